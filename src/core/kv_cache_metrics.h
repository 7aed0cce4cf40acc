#pragma once

#include <cstdint>
#include <functional>
#include <random>
#include <unordered_map>
#include <vector>

#include "base/clock.h"

namespace quire {

// The life of a block that was sampled, told when its memory is handed out again.
struct KVCacheEviction {
  double lifetime_seconds = 0.0;  // since it was handed out
  double idle_seconds = 0.0;  // since it was last handed out or hit
  std::vector<double> reuse_gaps_seconds;  // between its last four hits, oldest first
  bool operator==(const KVCacheEviction&) const = default;
};

// Measures how long blocks live, lie idle and wait for their reuse: the lives of a random share of
// the blocks, from the moment they are handed out until they are handed out again.
class KVCacheMetrics {
 public:
  using Clock = std::function<double()>;  // seconds

  // sample_rate: share of the blocks, (0, 1].
  explicit KVCacheMetrics(double sample_rate, Clock clock = monotonic_time);

  void on_allocated(int block_id);
  void on_accessed(int block_id);
  void on_evicted(int block_id);
  void reset();  // forgets the lives under way

  int num_sampled_blocks() const { return static_cast<int>(lives_.size()); }
  std::vector<KVCacheEviction> take_evictions();  // since the last call

 private:
  struct Life {
    double born = 0.0;
    double last_access = 0.0;
    std::vector<double> accesses;  // the last kMaxAccesses, oldest first
  };
  static constexpr size_t kMaxAccesses = 4;

  double sample_rate_;
  Clock clock_;
  std::minstd_rand random_;  // the same blocks in every run
  std::unordered_map<int, Life> lives_;  // by block id
  std::vector<KVCacheEviction> evictions_;
};

}  // namespace quire
