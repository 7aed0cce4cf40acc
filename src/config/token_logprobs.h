#pragma once

#include <cstdint>
#include <vector>

namespace quire {

// Candidates of one position, the sampled or prompt token first.
struct TokenLogprobs {
  std::vector<int32_t> token_ids;  // [1 + k]
  std::vector<float> logprobs;  // [1 + k]
  int32_t rank = 0;  // of token_ids[0]; 1 is the likeliest
  bool operator==(const TokenLogprobs&) const = default;
};

}  // namespace quire
