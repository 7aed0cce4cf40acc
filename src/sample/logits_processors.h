#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "quire/sampling_params.h"

namespace quire {

// What a request's parameters forbid or favour token by token: allowed_token_ids, bad_words,
// min_tokens and logit_bias, applied in this order.
class LogitsProcessors {
 public:
  // For a new request in the slot; keeps the memory.
  void reset(const SamplingParams& params);
  bool enabled() const { return enabled_; }

  // logits [vocab_size]; output_ids: the request's output so far.
  void apply(std::span<float> logits, std::span<const int32_t> output_ids) const;

  // The token that is taken when the rules leave none: the lowest allowed one. So allowed_token_ids
  // holds in any case, and bad_words and min_tokens give way.
  int32_t last_resort() const { return allowed_ids_.empty() ? 0 : allowed_ids_.front(); }

 private:
  void keep_allowed(std::span<float> logits) const;
  void ban_bad_words(std::span<float> logits, std::span<const int32_t> output_ids) const;

  bool enabled_ = false;
  std::vector<int32_t> allowed_ids_;  // ascending, each once; empty: all
  std::vector<std::vector<int32_t>> bad_words_;
  size_t min_tokens_ = 0;
  std::vector<int32_t> end_ids_;  // banned until min_tokens
  std::vector<std::pair<int32_t, float>> bias_;
};

}  // namespace quire
