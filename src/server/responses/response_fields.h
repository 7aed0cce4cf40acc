#pragma once

#include "server/responses/response_request.h"

namespace quire::server {

// The sampling parameters of a call of POST /v1/responses: those of the API, and most of
// /v1/chat/completions' others by their names there. Fields that nobody knows are told to
// `unknown_fields`. Throws InvalidArgument or ApiError.
void read_response_sampling(
    const RequestValue& body,
    const SamplingParams& defaults,
    UnknownFields& unknown_fields,
    ResponseRequest& request
);

// ResponseRequest::request_members.
std::string response_request_members(const RequestValue& body, const ResponseRequest& request);

}  // namespace quire::server
