#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "server/requests/common_request.h"

namespace quire::server {

// What a completion without max_tokens gets, if there is room.
inline constexpr int kDefaultMaxTokens = 16;

// The body of POST /v1/completions.
struct CompletionRequest {
  CommonRequest common;
  std::vector<std::variant<std::string, std::vector<int32_t>>> prompts;  // at least one
  std::optional<int> logprobs;
  bool is_prompt_only = false;  // echo with max_tokens 0: no output is shown
};

// `defaults`: of the fields that are not given. Throws ApiError or InvalidArgument.
CompletionRequest parse_completion_request(
    const std::string& body, const SamplingParams& defaults, UnknownFields& unknown_fields
);

}  // namespace quire::server
