#include "server/anthropic/content_blocks.h"

#include <functional>

#include <fmt/format.h>

namespace quire::server {
namespace {

using simdjson::dom::element;
using BlockReader = std::function<void(const RequestValue& block, std::string_view type)>;

[[noreturn]] void refuse_block(
    const RequestValue& block, std::string_view type, std::string_view known
) {
  block.fail("type", fmt::format("'{}' is not supported here: this server takes {}", type, known));
}

// Hands a string's text to `on_text`, or each block of a list to `on_block`.
void read_content(
    const RequestValue& owner,
    std::string_view name,
    const std::function<void(std::string_view)>& on_text,
    const BlockReader& on_block
) {
  const element content = owner.required(name).json();
  std::string_view text;
  if (content.get(text) == simdjson::SUCCESS) return on_text(text);
  const auto blocks = content.is_array() ? owner.array(name) : std::nullopt;
  if (!blocks) owner.fail(name, "must be a string or a list of blocks");
  size_t index = 0;
  for (const element entry : *blocks) {
    const RequestValue block(entry, name, index++, owner);
    on_block(block, block.required_text("type"));
  }
}

void append_line(std::string& text, std::string_view line) {
  if (!text.empty()) text += '\n';
  text += line;
}

// Content that may be nothing but text.
std::string text_content(const RequestValue& owner, std::string_view name) {
  std::string text;
  const auto on_block = [&text](const RequestValue& block, std::string_view type) {
    if (type != "text") refuse_block(block, type, "text");
    append_line(text, block.required_text("text"));
  };
  read_content(
      owner, name, [&text](std::string_view whole) { text = whole; }, on_block
  );
  return text;
}

void add_tool_result(ChatMessagesWriter& messages, const RequestValue& block) {
  std::string text = block.find("content") ? text_content(block, "content") : "";
  if (block.boolean("is_error").value_or(false)) text.insert(0, "Error: ");
  messages.add_tool_result(block.required_text("tool_use_id"), text);
}

// Tool results come before the user's text, as templates want them.
void add_user(ChatMessagesWriter& messages, const RequestValue& message) {
  std::string text;
  bool has_text = false;
  const auto on_text = [&](std::string_view whole) {
    append_line(text, whole);
    has_text = true;
  };
  const auto on_block = [&](const RequestValue& block, std::string_view type) {
    if (type == "text") {
      on_text(block.required_text("text"));
    } else if (type == "tool_result") {
      add_tool_result(messages, block);
    } else {
      refuse_block(block, type, "text and tool_result");
    }
  };
  read_content(message, "content", on_text, on_block);
  if (has_text) messages.add_message("user", text);
}

void add_assistant(ChatMessagesWriter& messages, const RequestValue& message) {
  std::string text;
  bool has_text = false;
  const auto on_text = [&](std::string_view whole) {
    append_line(text, whole);
    has_text = true;
  };
  const auto flush_text = [&] {
    if (has_text) messages.add_assistant_text(text);
    has_text = false;
    text.clear();
  };
  const auto on_block = [&](const RequestValue& block, std::string_view type) {
    if (type == "text") return on_text(block.required_text("text"));
    flush_text();
    if (type == "thinking") {
      messages.add_reasoning(block.required_text("thinking"));
    } else if (type == "tool_use") {
      block.required("input");
      const auto input = block.object("input")->minified();
      messages.add_tool_call(block.required_text("id"), block.required_text("name"), input);
    } else {
      refuse_block(block, type, "text, thinking and tool_use");
    }
  };
  read_content(message, "content", on_text, on_block);
  flush_text();
}

}  // namespace

void add_system(ChatMessagesWriter& messages, const RequestValue& body) {
  if (body.find("system")) messages.add_message("system", text_content(body, "system"));
}

void add_messages(ChatMessagesWriter& messages, const RequestValue& body) {
  body.required("messages");
  const auto entries = body.array("messages");
  if (entries->size() == 0) body.fail("messages", "must not be an empty list");
  size_t index = 0;
  for (const element entry : *entries) {
    const RequestValue message(entry, "messages", index++, body);
    const std::string_view role = message.required_text("role");
    if (role == "user") {
      add_user(messages, message);
    } else if (role == "assistant") {
      add_assistant(messages, message);
    } else if (role == "system") {
      messages.add_message("system", text_content(message, "content"));
    } else {
      message.fail("role", fmt::format("must be user or assistant, got '{}'", role));
    }
  }
}

}  // namespace quire::server
