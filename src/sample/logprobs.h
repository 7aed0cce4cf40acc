#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "config/token_logprobs.h"
#include "quire/sampling_params.h"
#include "sample/candidates.h"

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

// The same for one prompt token. logits [vocab_size] are those of the position before it, not
// changed; nothing processes them, so the modes differ only in logits and logprobs.
TokenLogprobs gather_logprobs(
    std::span<const float> logits, int32_t token_id, int num_logprobs, LogprobsMode mode
);

}  // namespace quire
