#include "sample/penalties.h"

#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

namespace quire {
namespace {

constexpr int kVocabSize = 1000;

std::vector<float> applied(Penalties& penalties, std::vector<float> logits) {
  penalties.apply(logits);
  return logits;
}

Penalties make_penalties(const SamplingParams& params) {
  Penalties penalties;
  penalties.reset(params);
  return penalties;
}

TEST(Penalties, AreOffByDefault) {
  EXPECT_FALSE(make_penalties({}).enabled());
}

TEST(Penalties, AreOnWithAnyOfThem) {
  EXPECT_TRUE(make_penalties({.presence_penalty = -0.5}).enabled());
  EXPECT_TRUE(make_penalties({.frequency_penalty = 0.5}).enabled());
  EXPECT_TRUE(make_penalties({.repetition_penalty = 0.9}).enabled());
}

TEST(Penalties, RepetitionDividesPositiveAndMultipliesNegativeLogits) {
  auto penalties = make_penalties({.repetition_penalty = 2.0});
  penalties.update(std::vector<int32_t>{0, 1, 2, 3, 3}, 2, kVocabSize);
  EXPECT_EQ(
      applied(penalties, {4.0f, -4.0f, 4.0f, 0.0f, 4.0f}),
      (std::vector<float>{2.0f, -8.0f, 2.0f, 0.0f, 4.0f})
  );
}

TEST(Penalties, FrequencyGoesByTheOutputsCounts) {
  auto penalties = make_penalties({.frequency_penalty = 0.5});
  penalties.update(std::vector<int32_t>{0, 0, 0, 1, 2, 2}, 3, kVocabSize);
  EXPECT_EQ(applied(penalties, {1.0f, 1.0f, 1.0f, 1.0f}), (std::vector<float>{1, 0.5, 0, 1}));
}

TEST(Penalties, PresenceCountsATokenOnce) {
  auto penalties = make_penalties({.presence_penalty = 1.5});
  penalties.update(std::vector<int32_t>{0, 1, 2, 2, 2}, 1, kVocabSize);
  EXPECT_EQ(applied(penalties, {1.0f, 1.0f, 1.0f, 1.0f}), (std::vector<float>{1, -0.5, -0.5, 1}));
}

TEST(Penalties, ComeInTheOrderRepetitionFrequencyPresence) {
  auto penalties =
      make_penalties({.presence_penalty = 1.0, .frequency_penalty = 0.5, .repetition_penalty = 2.0}
      );
  penalties.update(std::vector<int32_t>{7, 0, 0}, 1, kVocabSize);
  EXPECT_EQ(applied(penalties, {6.0f})[0], 6.0f / 2.0f - 2 * 0.5f - 1.0f);
}

TEST(Penalties, LeaveBannedTokensBanned) {
  const float banned = -std::numeric_limits<float>::infinity();
  auto penalties = make_penalties(
      {.presence_penalty = -2.0, .frequency_penalty = -2.0, .repetition_penalty = 0.01}
  );
  penalties.update(std::vector<int32_t>{0, 0}, 0, kVocabSize);
  EXPECT_EQ(applied(penalties, {banned})[0], banned);
}

// Token by token, as a request decodes, and in one piece, as it comes back from preemption.
TEST(Penalties, CountTheSameStepByStepAndAtOnce) {
  const SamplingParams params{
      .presence_penalty = 0.3, .frequency_penalty = 0.2, .repetition_penalty = 1.1};
  std::vector<int32_t> token_ids(700);
  for (size_t i = 0; i < token_ids.size(); ++i)
    token_ids[i] = static_cast<int32_t>(i * i % 991);
  const std::vector<float> logits(kVocabSize, 5.0f);

  auto stepwise = make_penalties(params);
  for (size_t size = 100; size <= token_ids.size(); ++size) {
    stepwise.update(std::span(token_ids).first(size), 100, kVocabSize);
  }
  auto at_once = make_penalties(params);
  at_once.update(token_ids, 100, kVocabSize);
  EXPECT_EQ(applied(stepwise, logits), applied(at_once, logits));
}

TEST(Penalties, ForgetTokensThatWereTakenBack) {
  const SamplingParams params{.frequency_penalty = 1.0};
  auto penalties = make_penalties(params);
  penalties.update(std::vector<int32_t>{0, 1, 2, 3}, 1, kVocabSize);
  penalties.update(std::vector<int32_t>{0, 1}, 1, kVocabSize);
  EXPECT_EQ(applied(penalties, {1.0f, 1.0f, 1.0f, 1.0f}), (std::vector<float>{1, 0, 1, 1}));
}

TEST(Penalties, OfTheLastRequestInTheSlotAreGone) {
  auto penalties = make_penalties({.repetition_penalty = 2.0});
  penalties.update(std::vector<int32_t>{0, 1, 2}, 3, kVocabSize);
  penalties.reset({.repetition_penalty = 4.0});
  penalties.update(std::vector<int32_t>{2}, 1, kVocabSize);
  EXPECT_EQ(applied(penalties, {8.0f, 8.0f, 8.0f}), (std::vector<float>{8, 8, 2}));
}

TEST(Penalties, HoldEveryTokenOfTheVocabulary) {
  auto penalties = make_penalties({.frequency_penalty = 1.0});
  std::vector<int32_t> token_ids(kVocabSize);
  std::iota(token_ids.begin(), token_ids.end(), 0);
  penalties.update(token_ids, 0, kVocabSize);
  const std::vector<float> logits(kVocabSize, 3.0f);
  EXPECT_EQ(applied(penalties, logits), std::vector<float>(kVocabSize, 2.0f));
}

}  // namespace
}  // namespace quire
