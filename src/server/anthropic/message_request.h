#pragma once

#include <optional>
#include <string>
#include <vector>

#include "server/requests/request_body.h"

namespace quire::server {

// The conversation of a call of /v1/messages or /v1/messages/count_tokens, in the terms of
// /v1/chat/completions.
struct MessagesPrompt {
  std::string model;
  std::string messages_json;
  std::string tools_json;  // empty: none
  bool calls_tools = false;  // tool_choice is not none
  bool parallel_tool_calls = true;
  bool continue_final_message = false;  // the last message is the assistant's
  std::optional<bool> enable_thinking;  // a variable of the chat template
};

struct MessagesRequest {
  MessagesPrompt prompt;
  bool stream = false;
  int max_tokens = 0;
  std::optional<double> temperature;
  std::optional<double> top_p;
  std::optional<int> top_k;
  std::vector<std::string> stop_sequences;
};

// Both throw InvalidArgument with the path of the field. `has_reasoning`: the server tells thoughts
// apart, which `thinking` needs. Fields that nobody knows are told to `unknown_fields`.
MessagesPrompt parse_messages_prompt(
    const RequestValue& body, bool has_reasoning, UnknownFields& unknown_fields
);
MessagesRequest parse_messages_request(
    const RequestValue& body, bool has_reasoning, UnknownFields& unknown_fields
);

}  // namespace quire::server
