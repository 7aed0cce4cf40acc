#pragma once

#include <cstdint>
#include <optional>

namespace quire {

enum class SchedulingPolicy : uint8_t {
  kFcfs,  // in the order of arrival
  kPriority,  // lower Request::priority first, then earlier arrival
};

enum class SchedulerKind : uint8_t { kV1, kV0 };

// How V0 takes blocks back.
enum class PreemptionMode : uint8_t {
  kAuto,  // groups of one sequence are recomputed, others are swapped
  kRecompute,
  kSwap,
};

// The scheduler's share of the resolved configuration.
struct SchedulerConfig {
  int max_num_batched_tokens = 2048;  // token budget of a step, >= max_num_seqs
  // Tokens handed out in a step, if fewer than the runner has room for.
  std::optional<int> max_num_scheduled_tokens;  // <= max_num_batched_tokens
  int max_num_seqs = 256;  // requests running at once
  int max_model_len = 2048;  // tokens of prompt and output together
  // Off: a prompt is computed in one step or waits, so max_num_batched_tokens >= max_model_len.
  bool enable_chunked_prefill = true;
  int long_prefill_token_threshold = 0;  // most tokens of one request in a step; 0: no limit
  // Prompts that a step may leave half computed; 1: no limit. Of these, prompts longer than the
  // threshold: further long ones wait and let shorter ones pass.
  int max_num_partial_prefills = 1;
  int max_long_partial_prefills = 1;
  SchedulingPolicy policy = SchedulingPolicy::kFcfs;
  // Admits a request only if its whole prompt fits the free blocks, not just its first chunk.
  bool scheduler_reserve_full_isl = true;
  // Steps are planned before the tokens of the one before them are known.
  bool async_scheduling = false;

  SchedulerKind kind = SchedulerKind::kV1;
  // Of V0 alone.
  PreemptionMode preemption_mode = PreemptionMode::kAuto;
  double scheduler_delay_factor = 0.0;  // prompts wait that many times the last prompt's latency
  bool operator==(const SchedulerConfig&) const = default;
};

}  // namespace quire
