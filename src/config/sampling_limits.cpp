#include "config/sampling_limits.h"

#include <algorithm>
#include <span>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "quire/error.h"

namespace quire {
namespace {

void check_num_logprobs(
    const std::optional<int>& requested,
    const char* field,
    const char* what,
    const SamplingLimits& limits
) {
  if (!requested) return;
  const int num_logprobs = *requested == -1 ? limits.vocab_size : *requested;
  const int max = limits.max_logprobs == -1 ? limits.vocab_size : limits.max_logprobs;
  if (num_logprobs <= max) return;
  throw InvalidArgument(
      field,
      fmt::format(
          "Requested {} logprobs of {}, which is greater than max allowed: {}. Raise "
          "--max-logprobs "
          "or ask for fewer.",
          what,
          num_logprobs,
          max
      )
  );
}

void check_token_ids(std::span<const int32_t> ids, const char* field, int vocab_size) {
  constexpr size_t kMaxListed = 16;
  std::vector<int32_t> outside;
  std::copy_if(ids.begin(), ids.end(), std::back_inserter(outside), [&](int32_t id) {
    return id < 0 || id >= vocab_size;
  });
  if (outside.empty()) return;
  const bool cut = outside.size() > kMaxListed;
  if (cut) outside.resize(kMaxListed);
  throw InvalidArgument(
      field,
      fmt::format(
          "token_id(s) [{}{}] in {} contain out-of-vocab token ids. Vocabulary size: {}",
          fmt::join(outside, ", "),
          cut ? ", …" : "",
          field,
          vocab_size
      )
  );
}

}  // namespace

void check_sampling_limits(const SamplingParams& params, const SamplingLimits& limits) {
  check_num_logprobs(params.logprobs, "logprobs", "sample", limits);
  check_num_logprobs(params.prompt_logprobs, "prompt_logprobs", "prompt", limits);
  const auto check_ids = [&](std::span<const int32_t> ids, const char* field) {
    check_token_ids(ids, field, limits.vocab_size);
  };
  check_ids(params.stop_token_ids, "stop_token_ids");
  if (params.logprob_token_ids) check_ids(*params.logprob_token_ids, "logprob_token_ids");
  if (params.allowed_token_ids) check_ids(*params.allowed_token_ids, "allowed_token_ids");
  for (const auto& word : params.bad_words_token_ids)
    check_ids(word, "bad_words");
  for (const auto& [token_id, bias] : params.logit_bias)
    check_ids({&token_id, 1}, "logit_bias");
}

}  // namespace quire
