#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "config/token_logprobs.h"
#include "quire/sampling_params.h"
#include "tensor/arena.h"
#include "tensor/stream.h"
#include "tensor/tensor.h"

namespace quire {

enum class LogprobsMode : uint8_t {
  kRawLogprobs,
  kProcessedLogprobs,
  kRawLogits,
  kProcessedLogits,
};

// One row of logits to sample from.
struct SamplingRow {
  int slot = 0;  // the request's stable slot
  // Prompt and output so far; the new token will be token_ids.size()-th.
  std::span<const int32_t> token_ids;
  int num_prompt_tokens = 0;
};

struct SamplerOutput {
  std::vector<int32_t> token_ids;  // [num_rows]
  // Rows that asked for logprobs; logprobs[i] belongs to row logprob_rows[i].
  std::vector<int> logprob_rows;
  std::vector<TokenLogprobs> logprobs;
};

// Turns logits into tokens, in vLLM's order: raw logprobs, allowed ids, bad words, min_tokens, bias,
// penalties, temperature, min_p, top_k, top_p, draw. State per request lives in its slot, so a
// steady step without logprobs allocates nothing.
//
// Randomness is counter-based: a draw depends on the request's seed and the position of the token,
// not on the batch. A request without a seed gets one from the engine's seed and its id.
class Sampler {
 public:
  Sampler(int max_num_slots, int vocab_size, LogprobsMode mode, uint64_t engine_seed);
  ~Sampler();

  void add_request(int slot, uint64_t request_id, const SamplingParams& params);
  void remove_request(int slot);

  // logits [num_rows, vocab_size] float32 are overwritten. arena: workspace.
  void sample(
      const Stream& stream,
      const Tensor& logits,
      std::span<const SamplingRow> rows,
      Arena& arena,
      SamplerOutput& output
  );

  static size_t workspace_bytes(int max_num_rows, int vocab_size);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Candidates for `token_id` under a row of logits: itself, then the top num_logprobs (-1: all).
// logits [vocab_size] float32, not changed. For prompt logprobs.
TokenLogprobs gather_logprobs(
    std::span<const float> logits, int32_t token_id, int num_logprobs, LogprobsMode mode
);

}  // namespace quire
