#pragma once

#include <cstdint>
#include <span>

#include "quire/api.h"

namespace QUIRE_API quire {

// A rule of the user's own over what one completion may say next. Given in
// SamplingParams::logits_processors.
class LogitsProcessor {
 public:
  virtual ~LogitsProcessor() = default;

  // Called by a thread of the engine once per token, in the order of the tokens; a completion that
  // was preempted goes on where it was. logits [vocab_size] are changed in place, after
  // allowed_token_ids, bad_words, min_tokens and logit_bias, and before penalties and temperature;
  // they are gone when the call returns. What it throws ends the completion with reason kError, and
  // so do logits that are all -infinity or NaN.
  virtual void apply(
      std::span<const int32_t> prompt_token_ids,
      std::span<const int32_t> output_token_ids,
      std::span<float> logits
  ) = 0;
};

}  // namespace quire
