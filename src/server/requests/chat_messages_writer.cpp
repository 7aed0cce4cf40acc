#include "server/requests/chat_messages_writer.h"

#include <utility>

namespace quire::server {

ChatMessagesWriter::ChatMessagesWriter() : writer_(json_, JsonSpacing::kCompact) {
  writer_.begin_array();
}

void ChatMessagesWriter::add_messages(std::string_view json) {
  end_turn();
  const std::string_view inside = json.size() < 2 ? "" : json.substr(1, json.size() - 2);
  if (!inside.empty()) writer_.raw(inside);
}

void ChatMessagesWriter::add_message(std::string_view role, std::string_view content) {
  end_turn();
  writer_.begin_object().field("role", role).field("content", content).end_object();
}

void ChatMessagesWriter::add_tool_result(std::string_view tool_call_id, std::string_view content) {
  end_turn();
  writer_.begin_object().field("role", "tool").field("tool_call_id", tool_call_id);
  writer_.field("content", content).end_object();
}

void ChatMessagesWriter::add_reasoning(std::string_view text) {
  // Thoughts come first in a turn: after text or a call they open the next one.
  if (has_content_ || !tool_calls_.empty()) end_turn();
  begin_turn();
  if (!reasoning_.empty()) reasoning_ += '\n';
  reasoning_ += text;
}

void ChatMessagesWriter::add_assistant_text(std::string_view text) {
  if (has_content_ || !tool_calls_.empty()) end_turn();
  begin_turn();
  has_content_ = true;
  content_ = text;
}

void ChatMessagesWriter::add_tool_call(
    std::string_view id, std::string_view name, std::string_view arguments
) {
  begin_turn();
  if (!tool_calls_.empty()) tool_calls_ += ", ";
  JsonWriter call(tool_calls_, JsonSpacing::kCompact);
  call.begin_object().field("id", id).field("type", "function").key("function");
  call.begin_object().field("name", name).field("arguments", arguments).end_object();
  call.end_object();
}

std::string ChatMessagesWriter::finish() {
  end_turn();
  writer_.end_array();
  return std::move(json_);
}

void ChatMessagesWriter::begin_turn() {
  is_in_turn_ = true;
}

void ChatMessagesWriter::end_turn() {
  if (!is_in_turn_) return;
  writer_.begin_object().field("role", "assistant").key("content");
  if (has_content_ || tool_calls_.empty()) {
    writer_.value(content_);
  } else {
    writer_.null();
  }
  if (!reasoning_.empty()) writer_.field("reasoning", reasoning_);
  if (!tool_calls_.empty()) writer_.key("tool_calls").raw("[" + tool_calls_ + "]");
  writer_.end_object();
  is_in_turn_ = false;
  has_content_ = false;
  reasoning_.clear();
  content_.clear();
  tool_calls_.clear();
}

}  // namespace quire::server
