#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "quire/api.h"

namespace QUIRE_API quire {

enum class FinishReason : uint8_t { kStop, kLength, kAbort, kError, kRepetition };
const char* finish_reason_name(FinishReason reason);  // "stop", "length", ...

// A candidate token at one position.
struct Logprob {
  float logprob = 0.0f;
  std::optional<int32_t> rank;  // 1 is the likeliest; none where it was not counted
  std::string decoded_token;
};

// Candidates of one position, each once: the sampled (or prompt) token first, then the top k in
// order.
using PositionLogprobs = std::vector<std::pair<int32_t, Logprob>>;

struct CompletionOutput {
  int index = 0;  // which of the n completions
  std::string text;
  std::vector<int32_t> token_ids;
  std::optional<double> cumulative_logprob;  // when logprobs were asked for
  std::optional<std::vector<PositionLogprobs>> logprobs;  // one entry per token
  std::optional<FinishReason> finish_reason;  // none while it runs
  // What stopped it: a stop token id, a stop string; none: end of text or length.
  std::variant<std::monostate, int32_t, std::string> stop_reason;
};

struct RequestMetrics {
  double arrival_time = 0.0;  // seconds since the epoch
  std::optional<double> first_scheduled_time;
  std::optional<double> first_token_time;
  std::optional<double> finished_time;
  int num_preemptions = 0;
};

// With RequestOutputKind::kDelta, `prompt`, `prompt_token_ids` and `prompt_logprobs` come with the
// first output alone, and `outputs` holds the completions that have something new.
struct RequestOutput {
  std::string request_id;
  std::optional<std::string> prompt;  // none when only token ids were given
  std::vector<int32_t> prompt_token_ids;
  // One entry per prompt token when asked for; the first is empty, because nothing predicts it.
  std::optional<std::vector<PositionLogprobs>> prompt_logprobs;
  std::vector<CompletionOutput> outputs;
  bool finished = false;
  int num_cached_tokens = 0;  // prompt tokens whose KV came from the prefix cache
  RequestMetrics metrics;
  std::optional<std::string> error;  // why finish_reason is kError
};

}  // namespace quire
