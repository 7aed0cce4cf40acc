#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "config/token_logprobs.h"
#include "quire/sampling_params.h"
#include "sample/candidates.h"
#include "tensor/arena.h"
#include "tensor/stream.h"
#include "tensor/tensor.h"

namespace quire {

// What a request that asks for logprobs gets: values of the untouched logits, or of those after
// masks, penalties, temperature and top-k/top-p; as log probabilities or as they are.
enum class LogprobsMode : uint8_t {
  kRawLogprobs,
  kProcessedLogprobs,
  kRawLogits,
  kProcessedLogits,
};
std::optional<LogprobsMode> parse_logprobs_mode(std::string_view name);  // "raw_logprobs", …
inline bool is_processed(LogprobsMode mode) {
  return mode == LogprobsMode::kProcessedLogprobs || mode == LogprobsMode::kProcessedLogits;
}
inline bool is_logits(LogprobsMode mode) {
  return mode == LogprobsMode::kRawLogits || mode == LogprobsMode::kProcessedLogits;
}

// Which tokens a request wants to see beside the sampled one.
struct LogprobsRequest {
  int num_top = 0;  // the likeliest ones; -1: the whole vocabulary
  std::vector<int32_t> token_ids;  // if not empty: these, instead of the likeliest
};

// nullopt: the parameters ask for none.
std::optional<LogprobsRequest> logprobs_request(const SamplingParams& params);

// Makes room in `out` for what fill_logprobs writes; that does not allocate then.
void reserve_logprobs(const LogprobsRequest& request, int vocab_size, TokenLogprobs& out);

// First token_id, then the candidates of `request`: the likeliest in descending order, equal ones
// by ascending id. Rank: number of values >= the token's own. scratch: a candidate per value.
void fill_logprobs(
    std::span<const float> logits,
    int32_t token_id,
    const LogprobsRequest& request,
    LogprobsMode mode,
    std::span<Candidate> scratch,
    TokenLogprobs& out
);

// The same for prompt tokens, whose rows nothing processes: the modes differ only in logits and
// logprobs. logits [num_rows, vocab_size] float32, not changed, are those of the positions before
// token_ids [num_rows]. Appends a row for each to `out`. arena: workspace.
void gather_prompt_logprobs(
    const Stream& stream,
    const Tensor& logits,
    std::span<const int32_t> token_ids,
    int num_logprobs,
    LogprobsMode mode,
    Arena& arena,
    std::vector<TokenLogprobs>& out
);

// Of the arena, for a pool of num_threads.
size_t prompt_logprobs_workspace_bytes(int num_threads, int vocab_size);

}  // namespace quire
