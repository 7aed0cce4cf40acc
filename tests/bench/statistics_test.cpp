#include "bench/statistics.h"

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
  EXPECT_DOUBLE_EQ(ratio.median, 1.5);
  EXPECT_DOUBLE_EQ(ratio.lower_95, 1.5) << "the pairs agree";
}

// k of n pairs lie below the median with the probability of k heads in n throws: one of 5 in 3.1 %
// of all cases is none, of 11 are two or fewer in 3.3 %.
TEST(StatisticsTest, TheLowerBoundIsTheOrderStatisticOfTheSignTest) {
  const auto bound_of = [](int num_pairs) {
    std::vector<double> ratios;
    for (int i = num_pairs; i >= 1; --i)
      ratios.push_back(i);
    return paired_ratio(ratios, std::vector<double>(num_pairs, 1.0)).lower_95;
  };
  EXPECT_EQ(bound_of(4), 0.0) << "four pairs say too little";
  EXPECT_EQ(bound_of(5), 1.0);
  EXPECT_EQ(bound_of(7), 1.0);
  EXPECT_EQ(bound_of(8), 2.0);
  EXPECT_EQ(bound_of(11), 3.0);
  EXPECT_EQ(bound_of(20), 6.0);
}

TEST(StatisticsTest, ADisturbedPairDoesNotMoveTheBoundOfMany) {
  std::vector<double> ratios(11, 1.1);
  ratios[3] = 0.01;
  const PairedRatio ratio = paired_ratio(ratios, std::vector<double>(11, 1.0));
  EXPECT_DOUBLE_EQ(ratio.median, 1.1);
  EXPECT_DOUBLE_EQ(ratio.lower_95, 1.1);
}

TEST(StatisticsTest, ZeroesHaveNoRatio) {
  const PairedRatio none = paired_ratio(std::vector<double>{3.0}, std::vector<double>{0.0});
  EXPECT_EQ(none.num_pairs, 0);
  EXPECT_EQ(none.median, 0.0);
}

}  // namespace
}  // namespace quire::bench
