#pragma once

#include <string>

#include "server/calls/chat_call.h"
#include "server/requests/common_request.h"

namespace quire::server {

// The body of POST /v1/chat/completions.
struct ChatRequest {
  CommonRequest common;
  ChatCall call;  // the conversation; what `common` has is not filled in
  std::string last_role;  // of the last message
  std::string last_content;  // its text, for echo
  bool logprobs = false;
  int top_logprobs = 0;  // -1: all
  bool has_tools_switched_off = false;  // tool_choice none
  bool parallel_tool_calls = true;  // false: the first call of an answer is its only one
  bool include_reasoning = true;
};

// `defaults`: of the fields that are not given. Throws ApiError or InvalidArgument.
ChatRequest parse_chat_request(
    const std::string& body, const SamplingParams& defaults, UnknownFields& unknown_fields
);

// The conversation with what the request says beside it.
ChatCall make_chat_call(const ChatRequest& request, std::string request_id);

}  // namespace quire::server
