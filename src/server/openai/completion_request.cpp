#include "server/openai/completion_request.h"

#include <fmt/format.h>

#include "base/env.h"
#include "quire/error.h"

namespace quire::server {
namespace {

using simdjson::dom::element;

std::vector<int32_t> token_ids_of(const RequestValue& value) {
  std::vector<int32_t> ids;
  read_token_ids(value, ids);
  return ids;
}

[[noreturn]] void refuse_empty_prompt() {
  throw InvalidArgument("prompt", "Either prompt or prompt_embeds must be provided and non-empty.");
}

// A text, a list of texts, a list of token ids, or a list of such lists.
void read_prompt(CompletionRequest& request, const RequestValue& value) {
  request.prompts.clear();
  if (value.says_nothing()) refuse_empty_prompt();
  if (value.json().is_string()) {
    request.prompts.emplace_back(std::string(value.text()));
    return;
  }
  const simdjson::dom::array entries = value.array();
  const element first = *entries.begin();
  if (!first.is_string() && !first.is_array()) {
    request.prompts.emplace_back(token_ids_of(value));
    return;
  }
  size_t index = 0;
  for (const element entry : entries) {
    const RequestValue prompt(entry, index++, value);
    if (first.is_array()) {
      request.prompts.emplace_back(token_ids_of(prompt));
    } else {
      request.prompts.emplace_back(std::string(prompt.text()));
    }
  }
}

bool read_completion_field(
    CompletionRequest& request, const RequestValue& value, UnknownFields& unknown_fields
) {
  if (value.name() == "prompt") {
    if (!value.is_null()) read_prompt(request, value);
  } else if (value.name() == "logprobs") {
    value.read(request.logprobs);
  } else {
    return read_common_field(request.common, value, unknown_fields);
  }
  return true;
}

// Each choice is a request of the engine.
void check_num_choices(const CompletionRequest& request) {
  const auto max_choices = static_cast<size_t>(env::max_n_sequences());
  const size_t num_choices = request.prompts.size() * static_cast<size_t>(request.common.params.n);
  if (num_choices <= max_choices) return;
  throw InvalidArgument(
      "prompt",
      fmt::format(
          "{} prompts with n={} are {} completions; at most {} are allowed in one request. To "
          "raise "
          "the limit, set the environment variable VLLM_MAX_N_SEQUENCES.",
          request.prompts.size(),
          request.common.params.n,
          num_choices,
          max_choices
      )
  );
}

void finish_logprobs(CompletionRequest& request) {
  if (!request.logprobs) return;
  if (*request.logprobs < 0) {
    throw InvalidArgument("logprobs", "`logprobs` must be a positive value.");
  }
  SamplingParams& params = request.common.params;
  params.logprobs = request.logprobs;
  if (request.common.echo && !params.prompt_logprobs) params.prompt_logprobs = request.logprobs;
}

}  // namespace

CompletionRequest parse_completion_request(
    const std::string& body, const SamplingParams& defaults, UnknownFields& unknown_fields
) {
  const JsonBody json(body);
  CompletionRequest request;
  request.common.params = defaults;
  for (const auto [name, value] : json.fields()) {
    if (!read_completion_field(request, {value, name}, unknown_fields)) unknown_fields.add(name);
  }
  if (request.prompts.empty()) refuse_empty_prompt();
  CommonRequest& common = request.common;
  request.is_prompt_only = common.echo && common.max_tokens == 0;
  if (request.is_prompt_only) common.max_tokens = 1;
  finish_common_request(common, kDefaultMaxTokens);
  finish_logprobs(request);
  check_num_choices(request);
  return request;
}

}  // namespace quire::server
