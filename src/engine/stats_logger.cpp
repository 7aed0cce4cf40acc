#include "engine/stats_logger.h"

#include <fmt/format.h>

namespace quire {

std::optional<std::string> StatsLogger::line_if_due(double now, const EngineStats& stats) {
  if (!is_due(now)) return std::nullopt;
  const double seconds = now - last_time_;
  const double hit_rate = stats.prefix_cache_queries > 0
                              ? 100.0 * static_cast<double>(stats.prefix_cache_hits) /
                                    static_cast<double>(stats.prefix_cache_queries)
                              : 0.0;
  std::string line = fmt::format(
      "Avg prompt throughput: {:.1f} tokens/s, Avg generation throughput: {:.1f} tokens/s, "
      "Running: {} reqs, Waiting: {} reqs, KV cache usage: {:.1f}%, Prefix cache hit rate: {:.1f}%",
      static_cast<double>(counts_.num_prompt_tokens) / seconds,
      static_cast<double>(counts_.num_output_tokens) / seconds,
      stats.num_running_reqs,
      stats.num_waiting_reqs,
      100.0 * stats.kv_cache_usage,
      hit_rate
  );
  counts_ = {};
  last_time_ = now;
  return line;
}

}  // namespace quire
