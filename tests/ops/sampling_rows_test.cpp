#include "ops/sampling_rows.h"

#include <array>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "op_test.h"
#include "quire/error.h"

namespace quire {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr double kEpsilon = std::numeric_limits<float>::epsilon();

class SamplingRowsTest : public OpTest {};
QUIRE_OP_TEST(SamplingRowsTest);

std::vector<float> random_logits(size_t size) {
  std::mt19937 generator(static_cast<uint32_t>(size));
  std::normal_distribution<float> normal(0.0f, 3.0f);
  std::vector<float> logits(size);
  for (float& logit : logits)
    logit = normal(generator);
  return logits;
}

TEST_P(SamplingRowsTest, FindsTheLargestWhereverItIs) {
  for (const size_t size : {1, 2, 15, 16, 17, 33, 257, 511, 512, 513, 1100}) {
    for (size_t at = 0; at < size; at += 1 + size / 257) {
      std::vector<float> row(size, -1.0f);
      row[at] = 2.0f;
      ASSERT_EQ(ops::row_max(row), 2.0f) << at << " of " << size;
      ASSERT_EQ(ops::row_argmax(row), static_cast<int32_t>(at)) << at << " of " << size;
    }
  }
}

TEST_P(SamplingRowsTest, TakesTheFirstOfEquals) {
  EXPECT_EQ(ops::row_argmax(std::vector<float>{1.0f, 3.0f, 3.0f, 3.0f}), 1);
  std::vector<float> row(1200, -1.0f);
  EXPECT_EQ(ops::row_argmax(row), 0);
  row[700] = row[701] = row[1199] = 3.0f;
  EXPECT_EQ(ops::row_argmax(row), 700);
}

TEST_P(SamplingRowsTest, HasNoLargestWhereNothingIsLeft) {
  EXPECT_EQ(ops::row_argmax(std::vector<float>{kNan, -kInfinity}), std::nullopt);
  EXPECT_EQ(ops::row_argmax(std::vector<float>(40, -kInfinity)), std::nullopt);
  EXPECT_EQ(ops::row_argmax({}), std::nullopt);
  EXPECT_EQ(ops::row_argmax(std::vector<float>{kNan, 3.0f, kNan, 5.0f}), 3);
  EXPECT_EQ(ops::row_argmax(std::vector<float>{1.0f, kInfinity, kNan}), 1);
  std::vector<float> row(1200, kNan);
  EXPECT_EQ(ops::row_argmax(row), std::nullopt);
  row[1100] = -3e38f;
  EXPECT_EQ(ops::row_argmax(row), 1100);
}

// exp() is within 2 ulp, the product before it rounds a value up to 20 twice. A sum of 1,024 terms
// is at most 256 additions deep, each half an ulp.
TEST_P(SamplingRowsTest, WeighsByTheExponential) {
  for (const size_t size : {1, 3, 16, 17, 1000, 1024, 1025, 5000}) {
    auto row = random_logits(size);
    const Weighing weighing{.max = ops::row_max(row), .inverse_temperature = 0.5f};
    std::vector<double> expected(size);
    double sum = 0.0;
    for (size_t i = 0; i < size; ++i) {
      sum += expected[i] = std::exp((static_cast<double>(row[i]) - weighing.max) * 0.5);
    }
    EXPECT_NEAR(ops::sum_weights(row, weighing), sum, (128 + 24) * kEpsilon * sum) << size;
    ops::weigh(row, weighing);
    for (size_t i = 0; i < size; ++i) {
      ASSERT_NEAR(row[i], expected[i], 24 * kEpsilon * expected[i]) << i << " of " << size;
    }
  }
}

TEST_P(SamplingRowsTest, LeavesOutWhatIsBelowTheLeastWeight) {
  std::vector<float> row = {0.0f, -1.0f, -2.0f, kNan, -kInfinity};
  const Weighing weighing{.max = 0.0f, .min_weight = 0.2f};
  const double sum = ops::sum_weights(row, weighing);
  ops::weigh(row, weighing);
  EXPECT_EQ(row[0], 1.0f);
  EXPECT_NEAR(row[1], std::exp(-1.0), 2.0 * kEpsilon);
  EXPECT_EQ(row[2], 0.0f);
  EXPECT_EQ(row[3], 0.0f);
  EXPECT_EQ(row[4], 0.0f);
  EXPECT_NEAR(sum, 1.0 + std::exp(-1.0), 4.0 * kEpsilon);
}

TEST_P(SamplingRowsTest, WeighsWhatIsFarBelowAsNothing) {
  std::vector<float> row = {5.0f, -200.0f, -1e30f, -kInfinity, kNan};
  ops::weigh(row, {.max = 5.0f, .inverse_temperature = 100.0f});
  EXPECT_EQ(row, (std::vector<float>{1.0f, 0.0f, 0.0f, 0.0f, 0.0f}));
}

TEST_P(SamplingRowsTest, RefusesToWeighWithoutALargest) {
  std::vector<float> row = {1.0f};
  EXPECT_THROW(ops::sum_weights(row, {.max = -kInfinity}), InternalError);
  EXPECT_THROW(ops::weigh(row, {.max = kNan}), InternalError);
}

TEST_P(SamplingRowsTest, CountsEqualsAndPassesOverNan) {
  EXPECT_EQ(ops::count_at_least(std::vector<float>{1.0f, 2.0f, 2.0f, 3.0f, kNan}, 2.0f), 3);
}

double speed(float weight, uint32_t word) {
  return weight / -std::log((word + 0.5) * 0x1p-32);
}

// A chunk may be passed over only when really nobody in it is fast enough, and mostly is then.
TEST_P(SamplingRowsTest, PassesNoWinnerOver) {
  std::array<float, kRaceChunk> weights;
  std::array<uint32_t, kRaceChunk> words;
  weights.fill(1.0f);
  int num_passed = 0;
  for (uint64_t position = 0; position < 2000; ++position) {
    RaceChunk chunk{.seed = 1, .position = position};
    EXPECT_TRUE(ops::race_chunk(chunk, weights, words));
    double fastest = 0.0;
    for (int i = 0; i < kRaceChunk; ++i)
      fastest = std::max(fastest, speed(weights[i], words[i]));
    chunk.speed_to_beat = static_cast<float>(fastest * (1.0 - 1e-6));
    ASSERT_TRUE(ops::race_chunk(chunk, weights, words)) << position;
    chunk.speed_to_beat = static_cast<float>(fastest * 1.1);
    num_passed += !ops::race_chunk(chunk, weights, words);
  }
  EXPECT_GT(num_passed, 1500);
}

TEST_P(SamplingRowsTest, DrawsTheSameWordsOnEveryInstructionSet) {
  std::array<float, kRaceChunk> weights{};
  std::array<uint32_t, kRaceChunk> words;
  ops::race_chunk({.seed = 7, .position = 9, .first_token_id = 640}, weights, words);
  std::array<uint32_t, kRaceChunk> generic_words;
  cpu::select_isa(cpu::IsaLevel::kGeneric);
  ops::race_chunk({.seed = 7, .position = 9, .first_token_id = 640}, weights, generic_words);
  EXPECT_EQ(words, generic_words);
}

}  // namespace
}  // namespace quire
