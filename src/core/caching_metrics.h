#pragma once

#include <cstdint>
#include <deque>

#include "core/stats.h"

namespace quire {

// Hit rate of the prefix cache over the most recent requests.
class CachingMetrics {
 public:
  explicit CachingMetrics(int max_recent_requests = 1000);

  // Preempted requests do not count: they would hit their own blocks.
  void observe(const PrefixCacheStats& stats);
  double hit_rate() const;  // hit tokens / queried tokens; 0 if nothing was queried
  void reset();

 private:
  struct Observation {
    int64_t num_requests;
    int64_t num_queried_tokens;
    int64_t num_hit_tokens;
  };
  void add(const Observation& observation, int sign);

  int max_recent_requests_;
  std::deque<Observation> observations_;
  Observation sum_{};
};

}  // namespace quire
