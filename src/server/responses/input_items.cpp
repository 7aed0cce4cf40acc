#include "server/responses/input_items.h"

#include <fmt/format.h>

namespace quire::server {
namespace {

using simdjson::dom::element;

constexpr const char* kTextOnly =
    "is not supported: this server takes text. Send input_text parts instead";

// The text of a part of a message's content, of a function's output or of a thought.
std::string_view text_of_part(const RequestValue& part) {
  const std::string_view type = part.required_text("type");
  if (type == "refusal") return part.required_text("refusal");
  const bool is_text = type == "input_text" || type == "output_text" || type == "text" ||
                       type == "reasoning_text" || type == "summary_text";
  if (!is_text) part.fail("type", fmt::format("'{}' {}", type, kTextOnly));
  return part.required_text("text");
}

std::string joined_texts(const RequestValue& item, std::string_view name) {
  const element content = item.required(name).json();
  std::string_view whole;
  if (content.get(whole) == simdjson::SUCCESS) return std::string(whole);
  const auto parts = content.is_array() ? item.array(name) : std::nullopt;
  if (!parts) item.fail(name, "must be a string or a list of parts");
  std::string text;
  size_t index = 0;
  for (const element part : *parts) {
    if (index > 0) text += '\n';
    text += text_of_part(RequestValue(part, name, index, item));
    ++index;
  }
  return text;
}

void add_message(ChatMessagesWriter& messages, const RequestValue& item) {
  const std::string_view role = item.required_text("role");
  const std::string text = joined_texts(item, "content");
  if (role == "assistant") {
    messages.add_assistant_text(text);
  } else if (role == "user" || role == "system") {
    messages.add_message(role, text);
  } else if (role == "developer") {
    messages.add_message("system", text);  // the name that templates know
  } else {
    item.fail("role", fmt::format("must be user, assistant, system or developer, got '{}'", role));
  }
}

void add_reasoning(ChatMessagesWriter& messages, const RequestValue& item) {
  if (item.find("content")) {
    messages.add_reasoning(joined_texts(item, "content"));
  } else if (item.find("encrypted_content")) {
    item.fail("encrypted_content", "is not supported: send the reasoning as content");
  } else if (item.find("summary")) {
    messages.add_reasoning(joined_texts(item, "summary"));
  }
}

// Chat templates get what they say.
std::string_view arguments_of(const RequestValue& item) {
  const std::string_view text = item.required_text("arguments");
  simdjson::dom::parser parser;
  const bool is_json =
      text.empty() || parser.parse(text.data(), text.size()).error() == simdjson::SUCCESS;
  if (!is_json) item.fail("arguments", "must be JSON text");
  return text;
}

void add_item(ChatMessagesWriter& messages, const RequestValue& item) {
  const std::string_view type = item.text("type").value_or("message");
  if (type == "message") {
    add_message(messages, item);
  } else if (type == "function_call") {
    messages.add_tool_call(
        item.required_text("call_id"), item.required_text("name"), arguments_of(item)
    );
  } else if (type == "function_call_output") {
    messages.add_tool_result(item.required_text("call_id"), joined_texts(item, "output"));
  } else if (type == "reasoning") {
    add_reasoning(messages, item);
  } else {
    item.fail(
        "type",
        fmt::format(
            "'{}' is not supported: messages, function_call, function_call_output and reasoning "
            "are",
            type
        )
    );
  }
}

void write_or_null(JsonWriter& writer, const RequestValue& fields, std::string_view name) {
  writer.key(name);
  if (const auto value = fields.find(name)) {
    writer.raw(value->minified());
  } else {
    writer.null();
  }
}

RequestValue function_tool(const RequestValue& request, element tool, size_t index) {
  RequestValue fields(tool, "tools", index, request);
  const std::string_view type = fields.required_text("type");
  if (type != "function") {
    fields.fail("type", fmt::format("'{}' is not supported: only function tools are", type));
  }
  if (fields.required_text("name").empty()) fields.fail("name", "must not be empty");
  fields.text("description");
  fields.boolean("strict");
  fields.object("parameters");
  return fields;
}

}  // namespace

void add_input_items(ChatMessagesWriter& messages, const RequestValue& request) {
  const element input = request.required("input").json();
  std::string_view text;
  if (input.get(text) == simdjson::SUCCESS) {
    messages.add_message("user", text);
    return;
  }
  const auto items = input.is_array() ? request.array("input") : std::nullopt;
  if (!items) request.fail("input", "must be a string or a list of items");
  if (items->size() == 0) request.fail("input", "must not be an empty list");
  size_t index = 0;
  for (const element item : *items)
    add_item(messages, RequestValue(item, "input", index++, request));
}

std::string chat_tools_json(const RequestValue& request) {
  const auto tools = request.array("tools");
  if (!tools || tools->size() == 0) return {};
  std::string json;
  JsonWriter writer(json, JsonSpacing::kCompact);
  writer.begin_array();
  size_t index = 0;
  for (const element tool : *tools) {
    const RequestValue fields = function_tool(request, tool, index++);
    writer.begin_object().field("type", "function").key("function").begin_object();
    writer.field("name", fields.required_text("name"));
    // Always both, so that templates show a tool alike however it was sent.
    for (const char* name : {"description", "parameters"})
      write_or_null(writer, fields, name);
    if (fields.find("strict")) write_or_null(writer, fields, "strict");
    writer.end_object().end_object();
  }
  writer.end_array();
  return json;
}

std::string response_tools_json(const RequestValue& request) {
  std::string json;
  JsonWriter writer(json, JsonSpacing::kCompact);
  writer.begin_array();
  size_t index = 0;
  if (const auto tools = request.array("tools")) {
    for (const element tool : *tools) {
      const RequestValue fields = function_tool(request, tool, index++);
      writer.begin_object().field("type", "function");
      writer.field("name", fields.required_text("name"));
      for (const char* name : {"description", "parameters", "strict"})
        write_or_null(writer, fields, name);
      writer.end_object();
    }
  }
  writer.end_array();
  return json;
}

}  // namespace quire::server
