#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "config/token_logprobs.h"
#include "quire/sampling_params.h"
#include "sample/logprobs.h"
#include "tensor/arena.h"
#include "tensor/stream.h"
#include "tensor/tensor.h"

namespace quire {

// One row of logits to sample from.
struct SamplingRow {
  int slot = 0;  // the request's stable slot
  // Prompt and output so far; the new token will be token_ids.size()-th.
  std::span<const int32_t> token_ids;
  int num_prompt_tokens = 0;
};

// A row for which a LogitsProcessor threw, or left no token.
struct RowFailure {
  int row = 0;
  std::string reason;
};

struct SamplerOutput {
  std::vector<int32_t> token_ids;  // [num_rows]
  // Rows that asked for logprobs; logprobs[i] belongs to row logprob_rows[i].
  std::vector<int> logprob_rows;
  std::vector<TokenLogprobs> logprobs;
  std::vector<RowFailure> failures;  // their tokens and logprobs mean nothing
};

// Turns logits into tokens, in vLLM's order: raw logprobs, allowed ids, bad words, min_tokens,
// bias, the user's LogitsProcessor, penalties; greedy: the largest logit, of equal ones the lowest
// id; else temperature, min_p, top_k (ties with the k-th stay), top_p, draw. State per request
// lives in its slot, so a steady step without logprobs allocates nothing.
//
// Randomness is counter-based (sample/random.h): a draw depends on the request's seed and the
// position of the token, not on the batch. A request without a seed gets one from the engine's seed
// and its id.
//
// Logits without a number above -infinity: a row with a LogitsProcessor fails; of any other (an
// allowed token that is a bad word), LogitsProcessors::last_resort() is taken.
class Sampler {
 public:
  Sampler(int max_num_slots, int vocab_size, LogprobsMode mode, uint64_t engine_seed);
  ~Sampler();

  // params: validated, token ids inside the vocabulary, bad words tokenized.
  void add_request(int slot, uint64_t request_id, const SamplingParams& params);
  void remove_request(int slot);

  // logits [num_rows, vocab_size] float32 are overwritten. arena: workspace. The rows are shared
  // out over the stream's threads, except those with a LogitsProcessor, which the caller's serves.
  void sample(
      const Stream& stream,
      const Tensor& logits,
      std::span<const SamplingRow> rows,
      Arena& arena,
      SamplerOutput& output
  );

  // Of the arena, for a pool of num_threads.
  static size_t workspace_bytes(int num_threads, int vocab_size);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace quire
