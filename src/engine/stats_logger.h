#pragma once

#include <optional>
#include <string>

#include "engine/engine_metrics.h"
#include "quire/async_engine.h"

namespace quire {

// Makes the line about speed and load that a working engine logs now and then.
class StatsLogger {
 public:
  explicit StatsLogger(double now) : last_time_(now) {}  // monotonic seconds, as in next_line

  // What happened since the last call. `totals`: since the start. Nullopt: nothing did, now and the
  // time before.
  std::optional<std::string> next_line(
      double now, const EngineMetrics::TokenCounts& totals, const EngineStats& stats
  );

 private:
  double last_time_;
  EngineMetrics::TokenCounts last_totals_;
  int64_t last_num_preemptions_ = 0;
  bool was_active_ = false;
};

}  // namespace quire
