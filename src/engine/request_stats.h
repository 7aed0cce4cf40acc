#pragma once

#include <optional>
#include <vector>

#include "core/scheduler_interface.h"
#include "engine/iteration_stats.h"

namespace quire {

// The times of a request's life, for the metrics. A preemption changes nothing but the time that
// passes. Times are monotonic seconds. Of the output thread alone.
class RequestStats {
 public:
  struct Config {
    double arrival_time = 0.0;
    int num_prompt_tokens = 0;
    std::optional<int> max_tokens;
    int n = 1;
  };
  explicit RequestStats(const Config& config)
      : config_(config), completions_(static_cast<size_t>(config.n)) {}

  // What a step at `time` did to completion `index`.
  void observe(int index, const EngineCoreOutput& output, double time, IterationStats& stats);
  // The completion ended; with `request_finished` it was the last.
  void observe_end(
      int index, FinishReason reason, bool request_finished, double time, IterationStats& stats
  );

 private:
  struct Completion {
    std::optional<double> queued;
    std::optional<double> scheduled;
    std::optional<double> first_token;
    double last_token = 0.0;
    int num_cached_tokens = 0;
    int num_generation_tokens = 0;
  };

  FinishedCompletionStats finished_stats(const Completion& completion, double time) const;

  Config config_;
  std::vector<Completion> completions_;  // [n]
};

}  // namespace quire
