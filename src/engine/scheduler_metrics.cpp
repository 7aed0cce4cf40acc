#include "engine/scheduler_metrics.h"

namespace quire {
namespace {

constexpr const char* kWaitingByReason = "vllm:num_requests_waiting_by_reason";
constexpr const char* kWaitingByReasonHelp =
    "Requests that wait: for room (capacity), or for something of theirs (deferred).";
constexpr const char* kSleepState = "vllm:engine_sleep_state";
constexpr const char* kSleepStateHelp = "1 for the state in which the engine is, 0 for the others.";

double hit_rate(const EngineStats& stats) {
  if (stats.prefix_cache_queries == 0) return 0.0;
  return static_cast<double>(stats.prefix_cache_hits) /
         static_cast<double>(stats.prefix_cache_queries);
}

}  // namespace

SchedulerMetrics::SchedulerMetrics(MetricFamilies families, bool uses_v0)
    : families_(std::move(families)),
      num_requests_running_(
          families_.gauge("vllm:num_requests_running", "Requests that take part in the steps.")
      ),
      num_requests_waiting_(
          families_.gauge("vllm:num_requests_waiting", "Requests that wait to be scheduled.")
      ),
      num_requests_waiting_for_capacity_(
          families_.gauge(kWaitingByReason, kWaitingByReasonHelp, {{"reason", "capacity"}})
      ),
      num_requests_deferred_(
          families_.gauge(kWaitingByReason, kWaitingByReasonHelp, {{"reason", "deferred"}})
      ),
      kv_cache_usage_perc_(families_.gauge(
          "vllm:kv_cache_usage_perc", "Share of the KV cache's blocks in use; 1 is all."
      )),
      is_awake_(families_.gauge(kSleepState, kSleepStateHelp, {{"sleep_state", "awake"}})),
      has_weights_offloaded_(
          families_.gauge(kSleepState, kSleepStateHelp, {{"sleep_state", "weights_offloaded"}})
      ),
      has_discarded_all_(
          families_.gauge(kSleepState, kSleepStateHelp, {{"sleep_state", "discard_all"}})
      ),
      prefix_cache_queries_(families_.counter(
          "vllm:prefix_cache_queries_total", "Prompt tokens that were looked up in the cache."
      )),
      prefix_cache_hits_(families_.counter(
          "vllm:prefix_cache_hits_total", "Prompt tokens that were found in the cache."
      )),
      num_preemptions_(families_.counter(
          "vllm:num_preemptions_total", "Requests whose blocks were taken back while they ran."
      )) {
  if (uses_v0) v0_.emplace(families_);
}

SchedulerMetrics::V0::V0(MetricFamilies& families)
    : num_requests_swapped(families.gauge(
          "vllm:num_requests_swapped", "Requests whose blocks are in the swap space."
      )),
      gpu_cache_usage_perc(families.gauge(
          "vllm:gpu_cache_usage_perc", "Share of the KV cache's blocks in use; 1 is all."
      )),
      cpu_cache_usage_perc(
          families.gauge("vllm:cpu_cache_usage_perc", "Share of the swap space in use; 1 is all.")
      ),
      gpu_prefix_cache_hit_rate(families.gauge(
          "vllm:gpu_prefix_cache_hit_rate", "Share of the tokens looked up that were found."
      )),
      cpu_prefix_cache_hit_rate(families.gauge(
          "vllm:cpu_prefix_cache_hit_rate", "The same in the swap space, where none is looked up."
      )) {}

void SchedulerMetrics::V0::update(const EngineStats& stats) {
  num_requests_swapped.Set(stats.num_swapped_reqs);
  gpu_cache_usage_perc.Set(stats.kv_cache_usage);
  cpu_cache_usage_perc.Set(stats.cpu_cache_usage);
  gpu_prefix_cache_hit_rate.Set(hit_rate(stats));
}

void SchedulerMetrics::update(const EngineStats& stats) {
  num_requests_running_.Set(stats.num_running_reqs);
  num_requests_waiting_.Set(stats.num_waiting_reqs);
  num_requests_waiting_for_capacity_.Set(stats.num_waiting_reqs - stats.num_skipped_waiting_reqs);
  num_requests_deferred_.Set(stats.num_skipped_waiting_reqs);
  kv_cache_usage_perc_.Set(stats.kv_cache_usage);
  is_awake_.Set(stats.is_sleeping ? 0.0 : 1.0);
  has_weights_offloaded_.Set(stats.is_sleeping ? 1.0 : 0.0);
  has_discarded_all_.Set(0.0);
  raise_to(prefix_cache_queries_, stats.prefix_cache_queries);
  raise_to(prefix_cache_hits_, stats.prefix_cache_hits);
  raise_to(num_preemptions_, stats.num_preemptions);
  if (stats.num_drafts > 0) update_drafts(stats);
  if (v0_) v0_->update(stats);
}

// There from the first draft on: as in vLLM, an engine that does not guess has none of them.
void SchedulerMetrics::update_drafts(const EngineStats& stats) {
  raise_to(
      families_.counter("vllm:spec_decode_num_drafts_total", "Drafts that the model judged."),
      stats.num_drafts
  );
  raise_to(
      families_.counter("vllm:spec_decode_num_draft_tokens_total", "Tokens in these drafts."),
      stats.num_draft_tokens
  );
  raise_to(
      families_.counter("vllm:spec_decode_num_accepted_tokens_total", "Of these, accepted ones."),
      stats.num_accepted_tokens
  );
  for (size_t pos = 0; pos < stats.num_accepted_tokens_per_pos.size(); ++pos) {
    raise_to(
        families_.counter(
            "vllm:spec_decode_num_accepted_tokens_per_pos_total",
            "Accepted tokens by their place in the draft.",
            {{"position", std::to_string(pos)}}
        ),
        stats.num_accepted_tokens_per_pos[pos]
    );
  }
}

}  // namespace quire
