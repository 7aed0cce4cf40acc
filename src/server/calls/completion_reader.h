#pragma once

#include <optional>
#include <string>

#include "server/calls/chat_call.h"
#include "server/message_parser.h"

namespace quire::server {

// Follows the one completion of a chat: what each output adds to the message, how many tokens, how
// it ends.
class CompletionReader {
 public:
  // Without `parallel_tool_calls` only the first call of the message counts.
  CompletionReader(const RenderedChat& chat, bool parallel_tool_calls)
      : parser_(chat.format),
        num_prompt_tokens_(static_cast<int>(chat.prompt.token_ids.size())),
        parallel_tool_calls_(parallel_tool_calls) {}

  // Takes deltas one by one, or one final output.
  MessageDelta take(const RequestOutput& output);

  int num_prompt_tokens() const { return num_prompt_tokens_; }
  int num_cached_tokens() const { return num_cached_tokens_; }
  int num_output_tokens() const { return num_output_tokens_; }
  bool has_tool_calls() const { return has_tool_calls_; }
  const std::optional<FinishReason>& finish_reason() const { return finish_reason_; }
  const std::optional<std::string>& stop_string() const { return stop_string_; }
  const std::optional<std::string>& error() const { return error_; }  // why the engine failed it

 private:
  MessageParser parser_;
  int num_prompt_tokens_;
  bool parallel_tool_calls_;
  int num_cached_tokens_ = 0;
  int num_output_tokens_ = 0;
  bool has_tool_calls_ = false;
  std::optional<FinishReason> finish_reason_;
  std::optional<std::string> stop_string_;
  std::optional<std::string> error_;
};

}  // namespace quire::server
