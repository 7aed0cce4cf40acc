#include "core/kv_cache_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "quire/error.h"
#include "support/cache.h"

namespace quire::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class KVCacheMetricsTest : public ::testing::Test {
 protected:
  KVCacheMetrics make(double sample_rate) {
    return KVCacheMetrics(sample_rate, [this] { return now_; });
  }
  double now_ = 1000.0;
};

TEST_F(KVCacheMetricsTest, ALifeEndsWhenTheBlockIsHandedOutAgain) {
  KVCacheMetrics metrics = make(1.0);
  metrics.on_allocated(7);
  now_ += 1.0;
  metrics.on_accessed(7);
  now_ += 2.0;
  metrics.on_accessed(7);
  now_ += 3.0;
  EXPECT_THAT(metrics.take_evictions(), IsEmpty());
  metrics.on_evicted(7);
  const std::vector<KVCacheEviction> evictions = metrics.take_evictions();
  ASSERT_EQ(evictions.size(), 1u);
  EXPECT_DOUBLE_EQ(evictions[0].lifetime_seconds, 6.0);
  EXPECT_DOUBLE_EQ(evictions[0].idle_seconds, 3.0);
  EXPECT_THAT(evictions[0].reuse_gaps_seconds, ElementsAre(2.0));
  EXPECT_THAT(metrics.take_evictions(), IsEmpty());
  EXPECT_EQ(metrics.num_sampled_blocks(), 0);
}

TEST_F(KVCacheMetricsTest, ABlockThatNobodyHitLiesIdleAllItsLife) {
  KVCacheMetrics metrics = make(1.0);
  metrics.on_allocated(1);
  now_ += 5.0;
  metrics.on_evicted(1);
  EXPECT_THAT(metrics.take_evictions(), ElementsAre(KVCacheEviction{5.0, 5.0, {}}));
}

TEST_F(KVCacheMetricsTest, TheLastFourHitsAreKept) {
  KVCacheMetrics metrics = make(1.0);
  metrics.on_allocated(1);
  for (int i = 1; i <= 6; ++i) {
    now_ += i;
    metrics.on_accessed(1);
  }
  metrics.on_evicted(1);
  EXPECT_THAT(metrics.take_evictions().at(0).reuse_gaps_seconds, ElementsAre(4.0, 5.0, 6.0));
}

TEST_F(KVCacheMetricsTest, BlocksThatAreNotSampledTellNothing) {
  KVCacheMetrics metrics = make(1e-9);
  for (int id = 0; id < 100; ++id)
    metrics.on_allocated(id);
  EXPECT_EQ(metrics.num_sampled_blocks(), 0);
  metrics.on_accessed(3);
  metrics.on_evicted(3);
  EXPECT_THAT(metrics.take_evictions(), IsEmpty());
}

TEST_F(KVCacheMetricsTest, TheShareOfSampledBlocksIsTheRate) {
  constexpr int kNumBlocks = 10000;
  constexpr double kRate = 0.1;
  KVCacheMetrics metrics = make(kRate);
  for (int id = 0; id < kNumBlocks; ++id)
    metrics.on_allocated(id);
  // Six standard deviations of a binomial distribution.
  const double deviation = std::sqrt(kNumBlocks * kRate * (1 - kRate));
  EXPECT_NEAR(metrics.num_sampled_blocks(), kNumBlocks * kRate, 6 * deviation);
}

TEST_F(KVCacheMetricsTest, ResetForgetsTheLivesUnderWay) {
  KVCacheMetrics metrics = make(1.0);
  metrics.on_allocated(1);
  metrics.on_allocated(2);
  EXPECT_EQ(metrics.num_sampled_blocks(), 2);
  metrics.reset();
  EXPECT_EQ(metrics.num_sampled_blocks(), 0);
  metrics.on_evicted(1);
  EXPECT_THAT(metrics.take_evictions(), IsEmpty());
}

TEST_F(KVCacheMetricsTest, ARateOutsideItsRangeIsABug) {
  EXPECT_THROW(make(0.0), InternalError);
  EXPECT_THROW(make(1.5), InternalError);
}

// From the manager: what is handed out, hit and handed out again.
TEST_F(KVCacheMetricsTest, TheManagerTellsOfEvictedBlocks) {
  CacheConfig config = make_cache_config({.enable_prefix_caching = true});
  config.kv_cache_metrics_sample = 1.0;
  Cache cache(make_kv_cache_config({.num_blocks = 4}), config);
  const auto request_0 = cache.make(token_range(0, 40));
  ASSERT_TRUE(cache.admit(*request_0));
  cache.manager.free(*request_0);
  for (int i = 0; i < 2; ++i) {
    const auto again = cache.make(token_range(0, 40));
    ASSERT_TRUE(cache.admit(*again));  // two hits, and the partial block is taken again
    cache.manager.free(*again);
  }
  std::vector<KVCacheEviction> evictions = cache.manager.take_evictions();
  ASSERT_EQ(evictions.size(), 2u);
  EXPECT_THAT(evictions[0].reuse_gaps_seconds, IsEmpty());

  const auto request_1 = cache.make(token_range(500, 48));
  ASSERT_TRUE(cache.admit(*request_1));
  evictions = cache.manager.take_evictions();
  ASSERT_EQ(evictions.size(), 3u);
  for (int i : {1, 2}) {
    EXPECT_EQ(evictions[i].reuse_gaps_seconds.size(), 1u);
    EXPECT_GE(evictions[i].lifetime_seconds, evictions[i].idle_seconds);
    EXPECT_GE(evictions[i].idle_seconds, 0.0);
  }
  cache.manager.free(*request_1);
  EXPECT_TRUE(cache.manager.reset_prefix_cache());
}

}  // namespace
}  // namespace quire::test
