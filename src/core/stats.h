#pragma once

#include <cstdint>

namespace quire {

// Prefix cache lookups since the last stats().
struct PrefixCacheStats {
  int64_t num_requests = 0;
  int64_t num_queried_tokens = 0;
  int64_t num_hit_tokens = 0;
  // Lookups of requests that come back after preemption, kept apart.
  int64_t num_preempted_requests = 0;
  int64_t num_preempted_queried_tokens = 0;
  int64_t num_preempted_hit_tokens = 0;
  bool operator==(const PrefixCacheStats&) const = default;
};

struct SchedulerStats {
  int num_running_reqs = 0;
  int num_waiting_reqs = 0;
  double kv_cache_usage = 0.0;  // 1 is full
  int num_used_blocks = 0;
  int64_t num_preemptions = 0;  // since the start
  PrefixCacheStats prefix_cache;
  bool operator==(const SchedulerStats&) const = default;
};

}  // namespace quire
