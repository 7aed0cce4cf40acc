#include "layers/rotary.h"

#include <cmath>
#include <numbers>

#include <gtest/gtest.h>

namespace quire {
namespace {

TEST(RotaryTest, PairsTurnByPowersOfTheta) {
  const std::vector<double> frequencies = rope_frequencies({.theta = 10000.0}, 8);
  ASSERT_EQ(frequencies.size(), 4u);
  EXPECT_DOUBLE_EQ(frequencies[0], 1.0);
  EXPECT_DOUBLE_EQ(frequencies[1], 0.1);
  EXPECT_DOUBLE_EQ(frequencies[2], 0.01);
  EXPECT_DOUBLE_EQ(frequencies[3], 0.001);
}

TEST(RotaryTest, LinearScalingSlowsEveryPair) {
  const RopeConfig plain{.theta = 10000.0};
  const RopeConfig scaled{.theta = 10000.0, .scaling = RopeScaling::kLinear, .factor = 4.0};
  for (int pair = 0; pair < 4; ++pair) {
    EXPECT_DOUBLE_EQ(rope_frequencies(scaled, 8)[pair], rope_frequencies(plain, 8)[pair] / 4.0);
  }
}

// A pair of wavelength w makes 8192 / w turns in the original context: above 4 it is kept, below 1
// it is slowed by the factor, between the two it is mixed in proportion.
TEST(RotaryTest, Llama3ScalingKeepsFastPairsAndSlowsSlowOnes) {
  const RopeConfig plain{.theta = 500000.0};
  const RopeConfig scaled{
      .theta = 500000.0,
      .scaling = RopeScaling::kLlama3,
      .factor = 8.0,
      .low_freq_factor = 1.0,
      .high_freq_factor = 4.0,
      .original_max_position_embeddings = 8192,
  };
  int num_kept = 0;
  int num_mixed = 0;
  int num_slowed = 0;
  for (int pair = 0; pair < 64; ++pair) {
    const double frequency = rope_frequencies(plain, 128)[pair];
    const double actual = rope_frequencies(scaled, 128)[pair];
    const double turns = 8192.0 * frequency / (2.0 * std::numbers::pi);
    if (turns > 4.0) {
      ++num_kept;
      EXPECT_DOUBLE_EQ(actual, frequency);
    } else if (turns < 1.0) {
      ++num_slowed;
      EXPECT_DOUBLE_EQ(actual, frequency / 8.0);
    } else {
      ++num_mixed;
      const double kept = (turns - 1.0) / 3.0;
      EXPECT_DOUBLE_EQ(actual, frequency * (kept + (1.0 - kept) / 8.0));
    }
  }
  EXPECT_GT(num_kept, 0);
  EXPECT_GT(num_mixed, 0);
  EXPECT_GT(num_slowed, 0);
}

TEST(RotaryTest, TheTableHoldsCosinesThenSinesOfEveryPosition) {
  ThreadPool pool(2);
  const RotaryEmbedding rotary({.theta = 100.0}, 4, 1000, Stream::cpu(pool));
  const RopeTable table = rotary.table();
  EXPECT_EQ(table.rotary_dim, 4);
  ASSERT_EQ(table.cos_sin.shape_string(), "[1000, 4]");
  for (const int position : {0, 1, 499, 500, 999}) {
    const float* row = table.cos_sin.rows(position, 1).data<float>();
    EXPECT_FLOAT_EQ(row[0], static_cast<float>(std::cos(position * 1.0)));
    EXPECT_FLOAT_EQ(row[1], static_cast<float>(std::cos(position * 0.1)));
    EXPECT_FLOAT_EQ(row[2], static_cast<float>(std::sin(position * 1.0)));
    EXPECT_FLOAT_EQ(row[3], static_cast<float>(std::sin(position * 0.1)));
  }
}

TEST(RotaryTest, APartOfTheHeadIsRotatedWhereTheModelSaysSo) {
  ThreadPool pool(1);
  const RotaryEmbedding rotary({.partial_rotary_factor = 0.5}, 16, 10, Stream::cpu(pool));
  EXPECT_EQ(rotary.table().rotary_dim, 8);
}

TEST(RotaryTest, LayersWithAWindowUseTheLocalTableWhereThereIsOne) {
  ThreadPool pool(1);
  ModelConfig config;
  config.head_dim = 8;
  config.is_sliding_layer = {true, false};
  const RotaryTables shared(config, 10, Stream::cpu(pool));
  EXPECT_EQ(shared.of_layer(config, 0).cos_sin.raw(), shared.of_layer(config, 1).cos_sin.raw());
  config.rope_local = RopeConfig{.theta = 100.0};
  const RotaryTables split(config, 10, Stream::cpu(pool));
  EXPECT_NE(split.of_layer(config, 0).cos_sin.raw(), split.of_layer(config, 1).cos_sin.raw());
}

}  // namespace
}  // namespace quire
