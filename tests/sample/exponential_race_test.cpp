#include "sample/exponential_race.h"

#include <array>
#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "ops/sampling_rows.h"
#include "sample/sampler_fixture.h"
#include "support/reference_sampling.h"

namespace quire {
namespace {

// Weights of a row of logits, the largest being 1.
std::vector<float> random_weights(int size, uint32_t seed, float scale) {
  auto weights = test::random_logits(size, seed, scale);
  const float max = *std::ranges::max_element(weights);
  for (float& w : weights)
    w = std::exp(w - max);
  return weights;
}

// Flat rows make every token a rival, steep ones let whole chunks be passed over.
TEST(Race, IsWonByWhoWinsByTheDefinition) {
  for (const float scale : {0.0f, 0.5f, 3.0f, 30.0f}) {
    for (const int size : {1, 3, 63, 64, 65, 1000, 4096}) {
      const auto weights = random_weights(size, 11, scale);
      const test::Row row(weights.begin(), weights.end());
      for (uint64_t position = 0; position < 50; ++position) {
        const DrawKey key{.seed = 42, .position = position};
        ASSERT_EQ(race(weights, key), test::reference_draw(row, key))
            << size << " tokens, scale " << scale << ", position " << position;
      }
    }
  }
}

TEST(Race, AmongCandidatesEqualsTheRaceWithTheOthersAtZero) {
  const auto all = random_weights(1000, 5, 2.0f);
  std::vector<float> some(all.size(), 0.0f);
  std::vector<Candidate> candidates;
  for (int32_t id = 990; id >= 0; id -= 30) {
    some[id] = all[id];
    candidates.push_back({0.0f, all[id], id});
  }
  for (uint64_t position = 0; position < 200; ++position) {
    const DrawKey key{.seed = 1, .position = position};
    ASSERT_EQ(race(candidates, key), race(some, key)) << position;
  }
}

// One generator, written twice: for a token and for a chunk of them.
TEST(RaceChunk, HasTheWordsOfItsTokens) {
  const DrawKey key{.seed = 0x123456789abcdef0, .position = 0x1'0000'0007};
  const std::array<float, kRaceChunk> weights{};
  std::array<uint32_t, kRaceChunk> words;
  for (const int32_t first : {0, 4, 132, 1 << 20}) {
    ops::race_chunk(
        {.seed = key.seed, .position = key.position, .first_token_id = first}, weights, words
    );
    for (int32_t i = 0; i < kRaceChunk; ++i) {
      ASSERT_EQ(words[i], random_word(key, first + i)) << "token " << first + i;
    }
  }
}

TEST(Race, HasNoWinnerWithoutWeights) {
  EXPECT_EQ(race(std::vector<float>(100, 0.0f), DrawKey{}), std::nullopt);
  EXPECT_EQ(race(std::span<const Candidate>(), DrawKey{}), std::nullopt);
  const std::vector<Candidate> nothing = {{0.0f, 0.0f, 4}};
  EXPECT_EQ(race(nothing, DrawKey{}), std::nullopt);
}

TEST(Race, DrawsInProportionToTheWeights) {
  const std::vector<float> weights = {8.0f, 4.0f, 2.0f, 1.0f, 1.0f, 0.0f};
  const test::Row probs = {0.5, 0.25, 0.125, 0.0625, 0.0625, 0.0};
  std::vector<int> counts(weights.size());
  for (uint64_t position = 0; position < 20000; ++position) {
    ++counts.at(race(weights, {.seed = 9, .position = position}).value());
  }
  EXPECT_LT(test::chi_square(counts, probs), test::chi_square_limit(4));
}

}  // namespace
}  // namespace quire
