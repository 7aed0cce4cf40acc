#pragma once

#include <cstdint>

namespace quire {

enum class SchedulingPolicy : uint8_t {
  kFcfs,  // in the order of arrival
  kPriority,  // lower Request::priority first, then earlier arrival
};

// The scheduler's share of the resolved configuration.
struct SchedulerConfig {
  int max_num_batched_tokens = 2048;  // token budget of a step, >= max_num_seqs
  int max_num_seqs = 256;  // requests running at once
  int max_model_len = 2048;  // tokens of prompt and output together
  // Off: a prompt is computed in one step or waits, so max_num_batched_tokens >= max_model_len.
  bool enable_chunked_prefill = true;
  int long_prefill_token_threshold = 0;  // most tokens of one request in a step; 0: no limit
  SchedulingPolicy policy = SchedulingPolicy::kFcfs;
  // Admits a request only if its whole prompt fits the free blocks, not just its first chunk.
  bool scheduler_reserve_full_isl = true;
  bool operator==(const SchedulerConfig&) const = default;
};

}  // namespace quire
