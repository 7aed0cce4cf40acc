#pragma once

#include <string>
#include <string_view>

#include "server/calls/completion_reader.h"
#include "server/message_parser.h"

namespace quire::server {

struct MessagesUsage {
  int input_tokens = 0;  // of the prompt, without those below
  int cache_read_input_tokens = 0;
  int output_tokens = 0;
};

// What a message of /v1/messages says in all its states.
struct MessageHead {
  std::string id;  // msg_…
  std::string model;
};

// Makes the content blocks of a message out of what the model says: as events of a stream, or as
// JSON to collect.
class MessageBlocks {
 public:
  MessageBlocks(std::string id, bool stream) : id_(std::move(id)), stream_(stream) {}

  // A streaming message appends its events to `events`.
  void add(const MessageDelta& delta, std::string& events);
  void finish(std::string& events);

  // All blocks as a JSON array; not of a stream.
  std::string json() const { return "[" + blocks_ + "]"; }

 private:
  enum class Kind { kNone, kThinking, kText, kToolUse };
  void open(Kind kind, const ToolCallDelta* call, std::string& events);
  void close(std::string& events);
  void append(std::string_view text, std::string& events);
  std::string block_json(std::string_view text) const;

  std::string id_;
  bool stream_;
  Kind kind_ = Kind::kNone;  // of the open block
  int index_ = -1;
  int call_index_ = -1;
  std::string tool_use_id_;
  std::string tool_name_;
  std::string text_;  // of the open block
  std::string blocks_;  // JSON objects, comma between
};

// Empty `stop_reason`: the message has just begun.
std::string message_json(
    const MessageHead& head,
    std::string_view content,
    std::string_view stop_reason,
    const std::optional<std::string>& stop_sequence,
    const MessagesUsage& usage
);

// end_turn, max_tokens, stop_sequence or tool_use.
std::string_view stop_reason_of(const CompletionReader& reader);

void append_message_start(std::string& events, const MessageHead& head, const MessagesUsage& usage);
// message_delta and message_stop.
void append_message_end(
    std::string& events,
    std::string_view stop_reason,
    const std::optional<std::string>& stop_sequence,
    const MessagesUsage& usage
);

}  // namespace quire::server
