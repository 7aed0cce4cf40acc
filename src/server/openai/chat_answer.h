#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "server/calls/logprobs_json.h"
#include "server/handler.h"
#include "server/message_parser.h"
#include "server/openai/choice_json.h"

namespace quire::server {

// How a chat is answered.
struct ChatShape {
  AnswerHead head;
  TokenTexts texts;
  MessageFormat format;
  int n = 1;
  std::string role;  // whose message it is
  std::string echo;  // text before the answer's own
  std::vector<int32_t> prompt_token_ids;
  bool has_logprobs = false;
  int top_logprobs = 0;  // -1: all
  bool has_token_ids = false;  // return_token_ids
  bool has_parallel_tool_calls = true;
  bool has_reasoning = true;  // include_reasoning
  bool has_usage = false;  // of a stream: one more event with the usage
  bool has_continuous_usage = false;  // of a stream: every event has the usage so far
  bool has_prompt_tokens_details = false;
};

// The text may hold more than content.
bool needs_parser(const MessageFormat& format);

// "tool_calls" for a message that ended by itself and calls tools.
const char* chat_finish_reason(FinishReason reason, bool has_tool_calls);

// One response, from outputs of RequestOutputKind::kFinalOnly.
std::unique_ptr<Answer> make_chat_answer(ChatShape shape);

// Server-sent events, from outputs of RequestOutputKind::kDelta.
std::unique_ptr<Answer> make_chat_stream(ChatShape shape);

}  // namespace quire::server
