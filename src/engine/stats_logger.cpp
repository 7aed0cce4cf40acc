#include "engine/stats_logger.h"

#include <fmt/format.h>

namespace quire {
namespace {

double hit_percent(const EngineStats& stats) {
  if (stats.prefix_cache_queries == 0) return 0.0;
  return 100.0 * static_cast<double>(stats.prefix_cache_hits) /
         static_cast<double>(stats.prefix_cache_queries);
}

std::string speed(double prompt_throughput, double generation_throughput) {
  return fmt::format(
      "Avg prompt throughput: {:.1f} tokens/s, Avg generation throughput: {:.1f} tokens/s, ",
      prompt_throughput,
      generation_throughput
  );
}

std::string v1_load(const EngineStats& stats, int64_t num_preemptions) {
  std::string load = fmt::format(
      "Running: {} reqs, Waiting: {} reqs, ",
      stats.num_running_reqs,
      stats.num_waiting_reqs - stats.num_skipped_waiting_reqs
  );
  if (stats.num_skipped_waiting_reqs > 0) {
    load += fmt::format("Deferred: {} reqs, ", stats.num_skipped_waiting_reqs);
  }
  if (num_preemptions > 0) load += fmt::format("Preemptions: {}, ", num_preemptions);
  return load + fmt::format(
                    "GPU KV cache usage: {:.1f}%, Prefix cache hit rate: {:.1f}%",
                    100.0 * stats.kv_cache_usage,
                    100.0 * stats.recent_prefix_cache_hit_rate
                );
}

// V0's names. Blocks in the swap space are never looked up, so the CPU has no hits.
std::string v0_load(const EngineStats& stats) {
  std::string load = fmt::format(
      "Running: {} reqs, Swapped: {} reqs, Pending: {} reqs, GPU KV cache usage: {:.1f}%, CPU KV "
      "cache usage: {:.1f}%.",
      stats.num_running_reqs,
      stats.num_swapped_reqs,
      stats.num_waiting_reqs,
      100.0 * stats.kv_cache_usage,
      100.0 * stats.cpu_cache_usage
  );
  if (stats.prefix_cache_queries > 0) {
    load += fmt::format(" Prefix cache hit rate: GPU: {:.2f}%, CPU: 0.00%", hit_percent(stats));
  }
  return load;
}

}  // namespace

std::optional<std::string> StatsLogger::next_line(
    double now, const EngineMetrics::TokenCounts& totals, const EngineStats& stats
) {
  const double seconds = now - last_time_;
  const int64_t num_prompt_tokens = totals.num_prompt_tokens - last_totals_.num_prompt_tokens;
  const int64_t num_generation_tokens =
      totals.num_generation_tokens - last_totals_.num_generation_tokens;
  const int64_t num_preemptions = stats.num_preemptions - last_num_preemptions_;
  const bool is_active = num_prompt_tokens > 0 || num_generation_tokens > 0;
  const bool is_worth_a_line = is_active || was_active_;
  last_time_ = now;
  last_totals_ = totals;
  last_num_preemptions_ = stats.num_preemptions;
  was_active_ = is_active;
  if (!is_worth_a_line) return std::nullopt;
  const std::string speeds = speed(
      static_cast<double>(num_prompt_tokens) / seconds,
      static_cast<double>(num_generation_tokens) / seconds
  );
  if (stats.uses_v0) return speeds + v0_load(stats);
  return "Engine 000: " + speeds + v1_load(stats, num_preemptions);
}

}  // namespace quire
