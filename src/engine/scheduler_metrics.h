#pragma once

#include <optional>
#include <vector>

#include "engine/metric_families.h"
#include "quire/async_engine.h"

namespace quire {

// What the scheduler counts itself: taken over when somebody looks.
class SchedulerMetrics {
 public:
  SchedulerMetrics(MetricFamilies families, bool uses_v0);

  void update(const EngineStats& stats);

 private:
  // V0's own.
  struct V0 {
    explicit V0(MetricFamilies& families);
    void update(const EngineStats& stats);
    prometheus::Gauge& num_requests_swapped;
    prometheus::Gauge& gpu_cache_usage_perc;
    prometheus::Gauge& cpu_cache_usage_perc;
    prometheus::Gauge& gpu_prefix_cache_hit_rate;
    prometheus::Gauge& cpu_prefix_cache_hit_rate;
  };

  void update_drafts(const EngineStats& stats);

  MetricFamilies families_;
  prometheus::Gauge& num_requests_running_;
  prometheus::Gauge& num_requests_waiting_;
  prometheus::Gauge& num_requests_waiting_for_capacity_;
  prometheus::Gauge& num_requests_deferred_;
  prometheus::Gauge& kv_cache_usage_perc_;
  prometheus::Gauge& is_awake_;
  prometheus::Gauge& has_weights_offloaded_;
  prometheus::Gauge& has_discarded_all_;
  prometheus::Counter& prefix_cache_queries_;
  prometheus::Counter& prefix_cache_hits_;
  prometheus::Counter& num_preemptions_;
  std::optional<V0> v0_;
};

}  // namespace quire
