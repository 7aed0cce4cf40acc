#pragma once

#include <cstdint>
#include <vector>

#include "config/scheduler_config.h"
#include "core/kv_cache_metrics.h"

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

// Drafts that the model has judged since the last stats().
struct SpecDecodingStats {
  int64_t num_drafts = 0;  // drafts of one request in one step
  int64_t num_draft_tokens = 0;
  int64_t num_accepted_tokens = 0;
  std::vector<int64_t> num_accepted_tokens_per_pos;  // [longest draft], by place in the draft

  void observe_draft(int num_draft_tokens_of_it, int num_accepted_tokens_of_it);
  bool operator==(const SpecDecodingStats&) const = default;
};

struct SchedulerStats {
  int num_running_reqs = 0;
  int num_waiting_reqs = 0;
  int num_skipped_waiting_reqs = 0;  // others that wait: they were not ready, or are parked
  double kv_cache_usage = 0.0;  // 1 is full
  int num_used_blocks = 0;
  int64_t num_preemptions = 0;  // since the start
  PrefixCacheStats prefix_cache;
  SchedulerKind scheduler = SchedulerKind::kV1;
  // Of V0 alone.
  int num_swapped_reqs = 0;  // neither running nor waiting
  double host_cache_usage = 0.0;  // of the swap space; 1 is full
  SpecDecodingStats spec_decoding;
  std::vector<KVCacheEviction> kv_cache_evictions;  // since the last stats(); of sampled blocks
  bool operator==(const SchedulerStats&) const = default;
};

}  // namespace quire
