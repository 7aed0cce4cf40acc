#include "core/caching_metrics.h"

namespace quire {

CachingMetrics::CachingMetrics(int max_recent_requests)
    : max_recent_requests_(max_recent_requests) {}

void CachingMetrics::observe(const PrefixCacheStats& stats) {
  if (stats.num_requests == 0) return;
  observations_.push_back({stats.num_requests, stats.num_queried_tokens, stats.num_hit_tokens});
  add(observations_.back(), +1);
  // The newest one stays, however many requests it stands for.
  while (observations_.size() > 1 && sum_.num_requests > max_recent_requests_) {
    add(observations_.front(), -1);
    observations_.pop_front();
  }
}

void CachingMetrics::add(const Observation& observation, int sign) {
  sum_.num_requests += sign * observation.num_requests;
  sum_.num_queried_tokens += sign * observation.num_queried_tokens;
  sum_.num_hit_tokens += sign * observation.num_hit_tokens;
}

double CachingMetrics::hit_rate() const {
  if (sum_.num_queried_tokens == 0) return 0.0;
  return static_cast<double>(sum_.num_hit_tokens) / static_cast<double>(sum_.num_queried_tokens);
}

void CachingMetrics::reset() {
  observations_.clear();
  sum_ = {};
}

}  // namespace quire
