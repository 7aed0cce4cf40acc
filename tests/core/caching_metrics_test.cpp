#include "core/caching_metrics.h"

#include <gtest/gtest.h>

namespace quire::test {
namespace {

PrefixCacheStats lookups(int64_t num_requests, int64_t num_queried, int64_t num_hits) {
  return {
      .num_requests = num_requests,
      .num_queried_tokens = num_queried,
      .num_hit_tokens = num_hits,
  };
}

TEST(CachingMetricsTest, TheHitRateCoversTheMostRecentRequests) {
  CachingMetrics metrics(5);
  EXPECT_DOUBLE_EQ(metrics.hit_rate(), 0.0);
  metrics.observe(lookups(1, 20, 9));
  EXPECT_DOUBLE_EQ(metrics.hit_rate(), 0.45);
  metrics.observe(lookups(4, 80, 16));
  EXPECT_DOUBLE_EQ(metrics.hit_rate(), 0.25);
  metrics.observe(lookups(1, 10, 2));  // the first one is too old now
  EXPECT_DOUBLE_EQ(metrics.hit_rate(), 0.2);
  metrics.reset();
  EXPECT_DOUBLE_EQ(metrics.hit_rate(), 0.0);
  metrics.observe(lookups(1, 20, 9));
  EXPECT_DOUBLE_EQ(metrics.hit_rate(), 0.45);
}

TEST(CachingMetricsTest, StepsWithoutRequestsDoNotCount) {
  CachingMetrics metrics(5);
  metrics.observe(lookups(0, 0, 0));
  metrics.observe(lookups(1, 20, 9));
  metrics.observe(lookups(0, 0, 0));
  metrics.observe(lookups(4, 80, 16));
  metrics.observe(lookups(0, 0, 0));
  metrics.observe(lookups(1, 10, 2));
  EXPECT_DOUBLE_EQ(metrics.hit_rate(), 0.2);
}

TEST(CachingMetricsTest, AnObservationLargerThanTheWindowReplacesAll) {
  CachingMetrics metrics(5);
  metrics.observe(lookups(1, 10, 2));
  metrics.observe(lookups(11, 20, 10));
  EXPECT_DOUBLE_EQ(metrics.hit_rate(), 0.5);
  metrics.observe(lookups(22, 40, 30));
  EXPECT_DOUBLE_EQ(metrics.hit_rate(), 0.75);
}

TEST(CachingMetricsTest, PreemptedRequestsDoNotCount) {
  CachingMetrics metrics;
  metrics.observe({
      .num_preempted_requests = 3,
      .num_preempted_queried_tokens = 100,
      .num_preempted_hit_tokens = 100,
  });
  EXPECT_DOUBLE_EQ(metrics.hit_rate(), 0.0);
}

}  // namespace
}  // namespace quire::test
