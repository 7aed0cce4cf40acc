#include "sample/row_math.h"

#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "sample/sampler_fixture.h"

namespace quire {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr double kEpsilon = std::numeric_limits<float>::epsilon();

TEST(ExpNonpositive, IsWithinTwoUlpOfTheRealOne) {
  for (int i = 0; i <= 200000; ++i) {
    const float x = -87.25f * static_cast<float>(i) / 200000.0f;
    const double expected = std::exp(static_cast<double>(x));
    ASSERT_NEAR(exp_nonpositive(x), expected, 2.0 * kEpsilon * expected) << x;
  }
}

TEST(ExpNonpositive, IsExactAtZeroAndEndsInZero) {
  EXPECT_EQ(exp_nonpositive(0.0f), 1.0f);
  EXPECT_EQ(exp_nonpositive(-88.0f), 0.0f);
  EXPECT_EQ(exp_nonpositive(-1e30f), 0.0f);
  EXPECT_EQ(exp_nonpositive(-kInfinity), 0.0f);
  EXPECT_EQ(exp_nonpositive(kNaN), 0.0f);
}

TEST(RowMax, FindsTheLargestWhereverItIs) {
  for (const size_t size : {1, 2, 15, 16, 17, 33, 257}) {
    for (size_t at = 0; at < size; ++at) {
      std::vector<float> row(size, -1.0f);
      row[at] = 2.0f;
      ASSERT_EQ(row_max(row), 2.0f) << at << " of " << size;
      ASSERT_EQ(row_argmax(row), static_cast<int32_t>(at)) << at << " of " << size;
    }
  }
}

TEST(RowArgmax, TakesTheFirstOfEquals) {
  EXPECT_EQ(row_argmax(std::vector<float>{1.0f, 3.0f, 3.0f, 3.0f}), 1);
}

TEST(RowArgmax, PassesOverNaN) {
  EXPECT_EQ(row_argmax(std::vector<float>{kNaN, 3.0f, kNaN, 5.0f}), 3);
  EXPECT_EQ(row_argmax(std::vector<float>{1.0f, kInfinity, kNaN}), 1);
  EXPECT_EQ(row_argmax(std::vector<float>{kNaN, -kInfinity}), -1);
  EXPECT_EQ(row_argmax(std::vector<float>(40, -kInfinity)), -1);
  EXPECT_EQ(row_argmax({}), -1);
}

// Each term is within 2 ulp, and a chain of 64 float32 additions adds at most 64 half ulps.
TEST(SumWeights, IsTheSumOfTheExponentials) {
  for (const int size : {1, 16, 1000, 1024, 5000}) {
    const auto row = test::random_logits(size, 7);
    const float max = row_max(row);
    double expected = 0.0;
    for (const float x : row)
      expected += std::exp((static_cast<double>(x) - max) * 0.5);
    EXPECT_NEAR(sum_weights(row, max, 0.5f, 0.0f), expected, 36.0 * kEpsilon * expected) << size;
  }
}

TEST(LogitsToWeights, LeavesOutWhatIsBelowTheLeastWeight) {
  std::vector<float> row = {0.0f, -1.0f, -2.0f, kNaN, -kInfinity};
  const double sum = sum_weights(row, 0.0f, 1.0f, 0.2f);
  logits_to_weights(row, 0.0f, 1.0f, 0.2f);
  EXPECT_EQ(row[0], 1.0f);
  EXPECT_NEAR(row[1], std::exp(-1.0), 2.0 * kEpsilon);
  EXPECT_EQ(row[2], 0.0f);
  EXPECT_EQ(row[3], 0.0f);
  EXPECT_EQ(row[4], 0.0f);
  EXPECT_NEAR(sum, 1.0 + std::exp(-1.0), 4.0 * kEpsilon);
}

TEST(CountAtLeast, CountsEqualsAndPassesOverNaN) {
  EXPECT_EQ(count_at_least(std::vector<float>{1.0f, 2.0f, 2.0f, 3.0f, kNaN}, 2.0f), 3);
}

}  // namespace
}  // namespace quire
