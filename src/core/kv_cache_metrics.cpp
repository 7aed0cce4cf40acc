#include "core/kv_cache_metrics.h"

#include <utility>

#include "base/check.h"

namespace quire {

KVCacheMetrics::KVCacheMetrics(double sample_rate, Clock clock)
    : sample_rate_(sample_rate), clock_(std::move(clock)) {
  QUIRE_CHECK(sample_rate > 0.0 && sample_rate <= 1.0, "sample rate {}", sample_rate);
}

void KVCacheMetrics::on_allocated(int block_id) {
  if (std::uniform_real_distribution<double>()(random_) >= sample_rate_) return;
  const double now = clock_();
  lives_[block_id] = {.born = now, .last_access = now, .accesses = {}};
}

void KVCacheMetrics::on_accessed(int block_id) {
  const auto found = lives_.find(block_id);
  if (found == lives_.end()) return;
  Life& life = found->second;
  life.last_access = clock_();
  if (life.accesses.size() == kMaxAccesses) life.accesses.erase(life.accesses.begin());
  life.accesses.push_back(life.last_access);
}

void KVCacheMetrics::on_evicted(int block_id) {
  const auto found = lives_.find(block_id);
  if (found == lives_.end()) return;
  const Life& life = found->second;
  const double now = clock_();
  KVCacheEviction& eviction = evictions_.emplace_back();
  eviction.lifetime_seconds = now - life.born;
  eviction.idle_seconds = now - life.last_access;
  for (size_t i = 1; i < life.accesses.size(); ++i) {
    eviction.reuse_gaps_seconds.push_back(life.accesses[i] - life.accesses[i - 1]);
  }
  lives_.erase(found);
}

void KVCacheMetrics::reset() {
  lives_.clear();
}

std::vector<KVCacheEviction> KVCacheMetrics::take_evictions() {
  return std::exchange(evictions_, {});
}

}  // namespace quire
