#include "bench/statistics.h"

#include <cmath>

#include <gtest/gtest.h>

namespace quire::bench {
namespace {

TEST(StatisticsTest, ASummaryHasMedianAndRange) {
  const Summary summary = summarize({5, 1, 4, 2});
  EXPECT_DOUBLE_EQ(summary.median, 3);
  EXPECT_DOUBLE_EQ(summary.min, 1);
  EXPECT_DOUBLE_EQ(summary.max, 5);
}

TEST(StatisticsTest, PairsCancelWhatBothSidesShare) {
  // A machine that is twice as slow in every other pair, and a candidate that is 1.5 times as fast.
  const std::vector<double> baseline = {10, 20, 10, 20, 10};
  const std::vector<double> candidate = {15, 30, 15, 30, 15};
  const PairedRatio ratio = paired_ratio(candidate, baseline);
  EXPECT_EQ(ratio.num_pairs, 5);
  EXPECT_NEAR(ratio.mean, 1.5, 1e-12);
  EXPECT_NEAR(ratio.lower_95, 1.5, 1e-9) << "the pairs agree";
}

TEST(StatisticsTest, TheLowerBoundIsStudentsOfTheLogarithms) {
  // Logarithms 0, 0.1 and 0.2: mean 0.1, standard error 0.1 / sqrt(3), t of two degrees 2.920.
  const std::vector<double> ones = {1, 1, 1};
  const std::vector<double> candidate = {1.0, std::exp(0.1), std::exp(0.2)};
  const PairedRatio ratio = paired_ratio(candidate, ones);
  EXPECT_NEAR(std::log(ratio.mean), 0.1, 1e-12);
  EXPECT_NEAR(std::log(ratio.lower_95), 0.1 - 2.920 * 0.1 / std::sqrt(3.0), 1e-12);
}

TEST(StatisticsTest, OnePairHasNoBoundAndZeroesHaveNoRatio) {
  const PairedRatio one = paired_ratio(std::vector<double>{3.0}, std::vector<double>{2.0});
  EXPECT_DOUBLE_EQ(one.mean, 1.5);
  EXPECT_DOUBLE_EQ(one.lower_95, 0.0);
  const PairedRatio none = paired_ratio(std::vector<double>{3.0}, std::vector<double>{0.0});
  EXPECT_EQ(none.num_pairs, 0);
}

}  // namespace
}  // namespace quire::bench
