#pragma once

#include "quire/sampling_params.h"

namespace quire {

// What a model and its engine allow a request to ask for.
struct SamplingLimits {
  int vocab_size = 0;  // rows of the output embedding
  int max_logprobs = 20;  // -1: no limit
};

// The rules of SamplingParams that need the model: token ids inside the vocabulary, at most
// max_logprobs logprobs. Call it after validate() and after bad_words were tokenized. Throws
// InvalidArgument with the field's name.
void check_sampling_limits(const SamplingParams& params, const SamplingLimits& limits);

}  // namespace quire
