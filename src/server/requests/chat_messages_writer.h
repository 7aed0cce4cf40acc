#pragma once

#include <string>
#include <string_view>

#include "base/json_writer.h"

namespace quire::server {

// Writes a conversation as the messages of /v1/chat/completions, which chat templates know. What an
// assistant says in one turn (thoughts, text, tool calls) becomes one message, however many items
// it came in.
class ChatMessagesWriter {
 public:
  ChatMessagesWriter();

  void add_messages(std::string_view json);  // what another writer finished
  void add_message(std::string_view role, std::string_view content);  // system, user …
  void add_tool_result(std::string_view tool_call_id, std::string_view content);

  // Of the assistant's turn, which ends with the next message of somebody else.
  void add_reasoning(std::string_view text);
  void add_assistant_text(std::string_view text);
  void add_tool_call(std::string_view id, std::string_view name, std::string_view arguments);

  bool ends_with_assistant() const { return is_in_turn_; }
  std::string finish();  // a JSON array; the writer is done

 private:
  void begin_turn();
  void end_turn();

  std::string json_;
  JsonWriter writer_;
  bool is_in_turn_ = false;
  std::string reasoning_;
  std::string content_;
  bool has_content_ = false;
  std::string tool_calls_;  // JSON objects, comma between
};

}  // namespace quire::server
