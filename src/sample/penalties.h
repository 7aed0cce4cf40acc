#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "quire/sampling_params.h"

namespace quire {

// Repetition, frequency and presence penalty of one request, and the tokens they go by. Only the
// distinct tokens of the request are kept, in a hash table that grows once: at the first update.
class Penalties {
 public:
  // For a new request in the slot; keeps the memory.
  void reset(const SamplingParams& params);
  bool enabled() const { return enabled_; }

  // Counts what is new in token_ids = prompt and output so far. Call before each apply(); a shorter
  // list than last time starts the count anew.
  void update(std::span<const int32_t> token_ids, int num_prompt_tokens, int vocab_size);

  // Over prompt and output: logit / repetition where it is above 0, else logit * repetition. Then,
  // over the output: - frequency * count - presence.
  void apply(std::span<float> logits) const;

 private:
  struct Seen {
    int32_t token_id = -1;  // -1: a free place
    int32_t output_count = 0;
  };
  void reserve(size_t num_distinct);
  void add(int32_t token_id, int output_count);
  Seen& find(int32_t token_id);

  bool enabled_ = false;
  float repetition_ = 1.0f;
  float frequency_ = 0.0f;
  float presence_ = 0.0f;
  int max_tokens_ = 0;
  size_t num_counted_ = 0;  // of token_ids
  size_t num_distinct_ = 0;
  std::vector<Seen> table_;  // open addressing; a power of two, at most half full
};

}  // namespace quire
