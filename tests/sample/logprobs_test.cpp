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

TEST(GatherLogprobs, PutTheTokenFirstAndThenTheLikeliest) {
  const std::vector<float> logits = {0.0f, 3.0f, 1.0f, 2.0f};
  const auto out = gather_logprobs(logits, 0, 2, LogprobsMode::kRawLogprobs);
  EXPECT_EQ(out.token_ids, (Ids{0, 1, 3}));
  EXPECT_EQ(out.rank, 4);
}

TEST(GatherLogprobs, RepeatTheTokenWhereItIsAmongTheLikeliest) {
  const auto out =
      gather_logprobs(std::vector<float>{0, 3, 1, 2}, 1, 2, LogprobsMode::kRawLogprobs);
  EXPECT_EQ(out.token_ids, (Ids{1, 1, 3}));
  EXPECT_EQ(out.logprobs[0], out.logprobs[1]);
  EXPECT_EQ(out.rank, 1);
}

TEST(GatherLogprobs, GiveTheTokenAloneForZero) {
  const auto out = gather_logprobs(std::vector<float>{0, 3, 1}, 2, 0, LogprobsMode::kRawLogprobs);
  EXPECT_EQ(out.token_ids, (Ids{2}));
  EXPECT_EQ(out.logprobs.size(), 1u);
  EXPECT_EQ(out.rank, 2);
}

TEST(GatherLogprobs, OrderEqualsById) {
  const std::vector<float> logits = {1, 2, 2, 1, 2, 1};
  const auto out = gather_logprobs(logits, 4, 4, LogprobsMode::kRawLogprobs);
  EXPECT_EQ(out.token_ids, (Ids{4, 1, 2, 4, 0}));
  EXPECT_EQ(out.rank, 3) << "equals share the larger rank";
}

TEST(GatherLogprobs, AreTheLogSoftmaxOfTheWholeRow) {
  const auto logits = test::random_logits(5000, 3);
  const test::Row expected = test::reference_log_softmax({logits.begin(), logits.end()});
  const auto out = gather_logprobs(logits, 17, -1, LogprobsMode::kRawLogprobs);
  ASSERT_EQ(out.token_ids.size(), 1 + logits.size());
  for (size_t i = 0; i < out.token_ids.size(); ++i) {
    const double reference = expected[out.token_ids[i]];
    ASSERT_NEAR(out.logprobs[i], reference, 4.0 * kEpsilon * (std::abs(reference) + 8.0));
    ASSERT_TRUE(i <= 1 || out.logprobs[i - 1] >= out.logprobs[i]) << "place " << i;
  }
}

TEST(GatherLogprobs, AreTheLogitsThemselvesInLogitsMode) {
  const auto out = gather_logprobs(std::vector<float>{5, 3, 1}, 2, 1, LogprobsMode::kRawLogits);
  EXPECT_EQ(out.logprobs, (std::vector<float>{1.0f, 5.0f}));
}

TEST(GatherLogprobs, GiveMinusInfinityToBannedTokens) {
  const std::vector<float> logits = {-kInfinity, 1.0f, -kInfinity};
  const auto out = gather_logprobs(logits, 1, 3, LogprobsMode::kRawLogprobs);
  EXPECT_EQ(out.token_ids, (Ids{1, 1, 0, 2}));
  EXPECT_EQ(out.logprobs, (std::vector<float>{0.0f, 0.0f, -kInfinity, -kInfinity}));
}

TEST(GatherLogprobs, AreNeverNaN) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const std::vector<float>& logits :
       {std::vector<float>(4, -kInfinity),
        std::vector<float>(4, nan),
        std::vector<float>{nan, 1, 2, 3},
        std::vector<float>{kInfinity, 1, 2, 3}}) {
    const auto out = gather_logprobs(logits, 0, 4, LogprobsMode::kRawLogprobs);
    EXPECT_EQ(out.token_ids.size(), out.logprobs.size());
    EXPECT_GE(out.rank, 1);
    for (const float logprob : out.logprobs)
      EXPECT_FALSE(std::isnan(logprob));
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
