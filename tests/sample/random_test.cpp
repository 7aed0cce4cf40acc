#include "sample/random.h"

#include <cmath>
#include <set>

#include <gtest/gtest.h>

namespace quire {
namespace {

using Words = std::array<uint32_t, 4>;

// The three vectors that the authors of the generator publish for 10 rounds.
TEST(Philox, GivesThePublishedAnswers) {
  EXPECT_EQ(
      philox4x32({0, 0, 0, 0}, {0, 0}), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8})
  );
  constexpr uint32_t kOnes = 0xffffffff;
  EXPECT_EQ(
      philox4x32({kOnes, kOnes, kOnes, kOnes}, {kOnes, kOnes}),
      (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd})
  );
  EXPECT_EQ(
      philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
      (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1})
  );
}

TEST(RandomWord, DependsOnSeedPositionAndToken) {
  const DrawKey key{.seed = 5, .position = 9};
  const uint32_t word = random_word(key, 100);
  EXPECT_EQ(random_word(key, 100), word);
  EXPECT_NE(random_word(key, 101), word);
  EXPECT_NE(random_word({.seed = 6, .position = 9}, 100), word);
  EXPECT_NE(random_word({.seed = 5, .position = 10}, 100), word);
  EXPECT_NE(random_word({.seed = 5 + (uint64_t{1} << 32), .position = 9}, 100), word);
  EXPECT_NE(random_word({.seed = 5, .position = 9 + (uint64_t{1} << 32)}, 100), word);
}

TEST(ToExponential, IsFiniteAndAboveZeroAtBothEnds) {
  EXPECT_GT(to_exponential(0xffffffff), 0.0);
  EXPECT_TRUE(std::isfinite(to_exponential(0)));
  EXPECT_GT(to_exponential(0), to_exponential(1));
}

// Mean and variance of the exponential distribution are 1; their standard errors are 1/sqrt(n) and
// sqrt(8/n).
TEST(ToExponential, HasMeanAndVarianceOne) {
  constexpr int kNumDraws = 1 << 16;
  double sum = 0.0;
  double sum_of_squares = 0.0;
  for (int i = 0; i < kNumDraws; ++i) {
    const double x = to_exponential(random_word({.seed = 3, .position = 1}, i));
    sum += x;
    sum_of_squares += x * x;
  }
  const double mean = sum / kNumDraws;
  EXPECT_NEAR(mean, 1.0, 5.0 / std::sqrt(kNumDraws));
  EXPECT_NEAR(sum_of_squares / kNumDraws - mean * mean, 1.0, 5.0 * std::sqrt(8.0 / kNumDraws));
}

TEST(DeriveSeed, DiffersForEveryRequestAndEngine) {
  std::set<uint64_t> seeds;
  for (uint64_t engine = 0; engine < 8; ++engine) {
    for (uint64_t request = 0; request < 64; ++request)
      seeds.insert(derive_seed(engine, request));
  }
  EXPECT_EQ(seeds.size(), 8u * 64u);
  EXPECT_EQ(derive_seed(3, 4), derive_seed(3, 4));
}

}  // namespace
}  // namespace quire
