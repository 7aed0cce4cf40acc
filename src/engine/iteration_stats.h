#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/kv_cache_metrics.h"
#include "quire/request_output.h"

namespace quire {

inline constexpr size_t kNumFinishReasons = 5;
using FinishCounts = std::array<int64_t, kNumFinishReasons>;  // by FinishReason

// A completion that ended by itself. Times in seconds; none where a step of its life is missing.
struct FinishedCompletionStats {
  int num_prompt_tokens = 0;
  int num_cached_tokens = 0;  // of the prompt
  int num_generation_tokens = 0;
  std::optional<int> max_tokens;
  double e2e_latency = 0.0;  // from the arrival
  std::optional<double> queued_time;  // until it was first scheduled
  std::optional<double> prefill_time;  // from then to the first token
  std::optional<double> decode_time;  // from then to the last
  std::optional<double> inference_time;  // both
};

// The same of a request, with its last completion.
struct FinishedRequestStats {
  int n = 1;
  int max_num_generation_tokens = 0;  // of its completions
};

// What one step brought to its readers. Used again, so that a steady step allocates nothing.
struct IterationStats {
  // So many completions waited that long for their next tokens.
  struct Latency {
    double seconds;
    int64_t num_completions;
  };

  int64_t num_prompt_tokens = 0;  // of completions that got their first token
  int64_t num_cached_tokens = 0;  // of those, found in the cache
  int64_t num_generation_tokens = 0;
  std::vector<double> times_to_first_token;  // seconds since the arrival
  std::vector<Latency> inter_token_latencies;
  FinishCounts num_finished{};
  std::vector<FinishedCompletionStats> finished_completions;  // not those that were aborted
  std::vector<FinishedRequestStats> finished_requests;  // likewise
  std::vector<KVCacheEviction> kv_cache_evictions;

  void add_inter_token_latency(double seconds) {
    if (inter_token_latencies.empty() || inter_token_latencies.back().seconds != seconds) {
      inter_token_latencies.push_back({seconds, 0});
    }
    ++inter_token_latencies.back().num_completions;
  }
  void clear() {  // keeps the capacity
    num_prompt_tokens = num_cached_tokens = num_generation_tokens = 0;
    times_to_first_token.clear();
    inter_token_latencies.clear();
    num_finished.fill(0);
    finished_completions.clear();
    finished_requests.clear();
    kv_cache_evictions.clear();
  }
};

}  // namespace quire
