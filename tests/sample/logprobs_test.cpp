#include "sample/logprobs.h"

#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "sample/sampler_fixture.h"
#include "support/reference_sampling.h"

namespace quire {
namespace {

using Ids = std::vector<int32_t>;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr double kEpsilon = std::numeric_limits<float>::epsilon();

TEST(PromptLogprobs, PutTheTokenFirstAndThenTheLikeliest) {
  const std::vector<float> logits = {0.0f, 3.0f, 1.0f, 2.0f};
  const auto out = test::gather_logprobs(logits, 0, 2, LogprobsMode::kRawLogprobs);
  EXPECT_EQ(out.token_ids, (Ids{0, 1, 3}));
  EXPECT_EQ(out.rank, 4);
}

TEST(PromptLogprobs, RepeatTheTokenWhereItIsAmongTheLikeliest) {
  const auto out =
      test::gather_logprobs(std::vector<float>{0, 3, 1, 2}, 1, 2, LogprobsMode::kRawLogprobs);
  EXPECT_EQ(out.token_ids, (Ids{1, 1, 3}));
  EXPECT_EQ(out.logprobs[0], out.logprobs[1]);
  EXPECT_EQ(out.rank, 1);
}

TEST(PromptLogprobs, GiveTheTokenAloneForZero) {
  const auto out =
      test::gather_logprobs(std::vector<float>{0, 3, 1}, 2, 0, LogprobsMode::kRawLogprobs);
  EXPECT_EQ(out.token_ids, (Ids{2}));
  EXPECT_EQ(out.logprobs.size(), 1u);
  EXPECT_EQ(out.rank, 2);
}

TEST(PromptLogprobs, OrderEqualsById) {
  const std::vector<float> logits = {1, 2, 2, 1, 2, 1};
  const auto out = test::gather_logprobs(logits, 4, 4, LogprobsMode::kRawLogprobs);
  EXPECT_EQ(out.token_ids, (Ids{4, 1, 2, 4, 0}));
  EXPECT_EQ(out.rank, 3) << "equals share the larger rank";
}

TEST(PromptLogprobs, AreTheLogSoftmaxOfTheWholeRow) {
  const auto logits = test::random_logits(5000, 3);
  const test::Row expected = test::reference_log_softmax({logits.begin(), logits.end()});
  const auto out = test::gather_logprobs(logits, 17, -1, LogprobsMode::kRawLogprobs);
  ASSERT_EQ(out.token_ids.size(), 1 + logits.size());
  for (size_t i = 0; i < out.token_ids.size(); ++i) {
    const double reference = expected[out.token_ids[i]];
    ASSERT_NEAR(out.logprobs[i], reference, 4.0 * kEpsilon * (std::abs(reference) + 8.0));
    ASSERT_TRUE(i <= 1 || out.logprobs[i - 1] >= out.logprobs[i]) << "place " << i;
  }
}

TEST(PromptLogprobs, AreTheLogitsThemselvesInLogitsMode) {
  const auto out =
      test::gather_logprobs(std::vector<float>{5, 3, 1}, 2, 1, LogprobsMode::kRawLogits);
  EXPECT_EQ(out.logprobs, (std::vector<float>{1.0f, 5.0f}));
}

TEST(PromptLogprobs, GiveMinusInfinityToBannedTokens) {
  const std::vector<float> logits = {-kInfinity, 1.0f, -kInfinity};
  const auto out = test::gather_logprobs(logits, 1, 3, LogprobsMode::kRawLogprobs);
  EXPECT_EQ(out.token_ids, (Ids{1, 1, 0, 2}));
  EXPECT_EQ(out.logprobs, (std::vector<float>{0.0f, 0.0f, -kInfinity, -kInfinity}));
}

TEST(PromptLogprobs, AreNeverNaN) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const std::vector<float>& logits :
       {std::vector<float>(4, -kInfinity),
        std::vector<float>(4, nan),
        std::vector<float>{nan, 1, 2, 3},
        std::vector<float>{kInfinity, 1, 2, 3}}) {
    const auto out = test::gather_logprobs(logits, 0, 4, LogprobsMode::kRawLogprobs);
    EXPECT_EQ(out.token_ids.size(), out.logprobs.size());
    EXPECT_GE(out.rank, 1);
    for (const float logprob : out.logprobs)
      EXPECT_FALSE(std::isnan(logprob));
  }
}

TEST(PromptLogprobs, AreTheSameWhetherRowsAreGatheredTogetherOrAlone) {
  constexpr int kNumRows = 37;
  constexpr int kVocabSize = 300;
  std::vector<float> logits = test::random_logits(kNumRows * kVocabSize, 5);
  std::vector<int32_t> token_ids;
  for (int i = 0; i < kNumRows; ++i)
    token_ids.push_back(7 * i);
  ThreadPool pool(3);
  Arena arena(prompt_logprobs_workspace_bytes(3, kVocabSize));
  std::vector<TokenLogprobs> out(1);
  gather_prompt_logprobs(
      Stream::cpu(pool),
      Tensor(logits.data(), DType::kFloat32, {kNumRows, kVocabSize}),
      token_ids,
      5,
      LogprobsMode::kRawLogprobs,
      arena,
      out
  );
  EXPECT_EQ(arena.used_bytes(), 0u);
  ASSERT_EQ(out.size(), 1u + kNumRows) << "appended behind what was there";
  for (int i = 0; i < kNumRows; ++i) {
    const auto row = logits.begin() + i * kVocabSize;
    const TokenLogprobs alone =
        test::gather_logprobs({row, row + kVocabSize}, token_ids[i], 5, LogprobsMode::kRawLogprobs);
    EXPECT_EQ(out[1 + i], alone) << "row " << i;
  }
}

TEST(LogprobsRequestOf, FollowsTheParameters) {
  EXPECT_FALSE(logprobs_request({}).has_value());
  EXPECT_EQ(logprobs_request({.logprobs = 0})->num_top, 0);
  EXPECT_EQ(logprobs_request({.logprobs = -1})->num_top, -1);
  EXPECT_EQ(logprobs_request({.logprob_token_ids = Ids{4, 2}})->token_ids, (Ids{4, 2}));
}

TEST(LogprobsModes, HaveVllmsNames) {
  EXPECT_EQ(parse_logprobs_mode("raw_logprobs"), LogprobsMode::kRawLogprobs);
  EXPECT_EQ(parse_logprobs_mode("processed_logprobs"), LogprobsMode::kProcessedLogprobs);
  EXPECT_EQ(parse_logprobs_mode("raw_logits"), LogprobsMode::kRawLogits);
  EXPECT_EQ(parse_logprobs_mode("processed_logits"), LogprobsMode::kProcessedLogits);
  EXPECT_EQ(parse_logprobs_mode("raw"), std::nullopt);
}

}  // namespace
}  // namespace quire
