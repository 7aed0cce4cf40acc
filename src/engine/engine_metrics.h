#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/iteration_stats.h"
#include "quire/async_engine.h"
#include "quire/metrics.h"

namespace quire {

struct EngineMetricsConfig {
  std::string model_name;
  int max_model_len = 0;
  bool uses_v0 = false;  // V0's own metrics too
  bool has_kv_block_lives = false;  // --kv-cache-metrics
  MetricLabels cache_config;  // of vllm:cache_config_info
};

// The engine's metrics under vLLM's names; docs/metrics.md is the list. Steps are recorded as they
// come, and what the scheduler counts is taken when somebody looks. All threads may call it.
class EngineMetrics {
 public:
  explicit EngineMetrics(const EngineMetricsConfig& config);
  ~EngineMetrics();

  void record(const IterationStats& stats);
  // Completions that ended outside of a step.
  void record_ends(FinishReason reason, int64_t num_completions);

  // Tokens since the start, as prompt_tokens and generation_tokens count them.
  struct TokenCounts {
    int64_t num_prompt_tokens = 0;
    int64_t num_generation_tokens = 0;
  };
  TokenCounts token_counts() const;

  std::vector<Metric> collect(const EngineStats& stats);
  std::string text(const EngineStats& stats);  // Prometheus' text format

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace quire
