#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "quire/sampling_params.h"

namespace quire::test {

// One case of tests/data/goldens/sampling.json: what sampling must make of given logits. The
// reference is computed in float64; no decision in it hangs on float32 rounding.
struct SamplingGolden {
  struct RankedLogprob {
    int32_t token_id = 0;
    double logprob = 0.0;
    int rank = 0;  // number of tokens that are at least as likely
  };

  std::string name;
  SamplingParams params;  // as a user writes it: validate() has not run
  std::vector<int32_t> prompt_token_ids;
  std::vector<int32_t> output_token_ids;  // sampled so far
  std::vector<float> logits;  // [vocab]

  // Expected. After masks, bias and penalties, before temperature; -inf where a token is banned.
  std::vector<double> processed_logits;  // [vocab]
  std::optional<int32_t> greedy_id;  // set when params are greedy: argmax of the above
  // The distribution that a random row is sampled from; 0 for dropped tokens. Empty when greedy.
  std::vector<double> probs;  // [vocab]
  // Of the untouched logits: first the params.logprobs best, best first, then a few fixed tokens.
  std::vector<RankedLogprob> raw_logprobs;
};

// Throws when the file is missing or malformed.
std::vector<SamplingGolden> load_sampling_goldens();

}  // namespace quire::test
