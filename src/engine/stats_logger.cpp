#include "engine/stats_logger.h"

#include <fmt/format.h>

namespace quire {
namespace {

double hit_percent(const EngineStats& stats) {
  if (stats.prefix_cache_queries == 0) return 0.0;
  return 100.0 * static_cast<double>(stats.prefix_cache_hits) /
         static_cast<double>(stats.prefix_cache_queries);
}

std::string v1_load(const EngineStats& stats) {
  return fmt::format(
      "Running: {} reqs, Waiting: {} reqs, KV cache usage: {:.1f}%, Prefix cache hit rate: {:.1f}%",
      stats.num_running_reqs,
      stats.num_waiting_reqs,
      100.0 * stats.kv_cache_usage,
      hit_percent(stats)
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

std::optional<std::string> StatsLogger::line_if_due(double now, const EngineStats& stats) {
  if (!is_due(now)) return std::nullopt;
  const double seconds = now - last_time_;
  std::string line = fmt::format(
      "Avg prompt throughput: {:.1f} tokens/s, Avg generation throughput: {:.1f} tokens/s, {}",
      static_cast<double>(counts_.num_prompt_tokens) / seconds,
      static_cast<double>(counts_.num_output_tokens) / seconds,
      stats.uses_v0 ? v0_load(stats) : v1_load(stats)
  );
  counts_ = {};
  last_time_ = now;
  return line;
}

}  // namespace quire
