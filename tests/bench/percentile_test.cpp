#include "bench/percentile.h"

#include <gtest/gtest.h>

namespace quire::bench {
namespace {

TEST(PercentileTest, LiesBetweenTheNearestValues) {
  const std::vector<double> values = {40, 10, 30, 20};
  EXPECT_DOUBLE_EQ(percentile(values, 0), 10);
  EXPECT_DOUBLE_EQ(percentile(values, 50), 25);
  EXPECT_DOUBLE_EQ(percentile(values, 90), 37);
  EXPECT_DOUBLE_EQ(percentile(values, 100), 40);
}

TEST(PercentileTest, OfOneValueIsThatValue) {
  EXPECT_DOUBLE_EQ(percentile({7}, 99), 7);
}

}  // namespace
}  // namespace quire::bench
