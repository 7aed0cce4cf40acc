#pragma once

#include <optional>
#include <string>

#include "server/calls/chat_call.h"
#include "server/requests/request_body.h"

namespace quire::server {

// A call of POST /v1/responses.
struct ResponseRequest {
  std::string model;  // empty: the served one
  ChatCall call;  // without request_id; messages_json holds the input alone
  std::optional<std::string> instructions;
  std::optional<std::string> previous_response_id;
  bool stream = false;
  bool parallel_tool_calls = true;
  bool wants_logprobs = false;
  std::optional<bool> store;  // none: not said
  // What the response repeats of the request, as members of a JSON object.
  std::string request_members;
};

// `defaults`: of the sampling parameters that the request does not name. Throws InvalidArgument
// with the path of the field, or ApiError.
ResponseRequest parse_response_request(
    const RequestValue& body, const SamplingParams& defaults, UnknownFields& unknown_fields
);

}  // namespace quire::server
