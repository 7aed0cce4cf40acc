#include "core/stop_check.h"

#include <gtest/gtest.h>

#include "support/scheduler_factory.h"

namespace quire::test {
namespace {

constexpr int kMaxModelLen = 1000;

std::optional<RequestStatus> check(Request& request, const std::vector<int32_t>& output) {
  request.token_ids.resize(request.num_prompt_tokens);
  request.token_ids.insert(request.token_ids.end(), output.begin(), output.end());
  request.stop_token_id.reset();
  return check_stop(request, kMaxModelLen);
}

TEST(StopCheckTest, AnOrdinaryTokenDoesNotStop) {
  const auto request = create_request({});
  EXPECT_EQ(check(*request, {10, 11}), std::nullopt);
}

TEST(StopCheckTest, EndOfTextStopsWithoutAStopToken) {
  const auto request = create_request({});
  EXPECT_EQ(check(*request, {10, kEosTokenId}), RequestStatus::kFinishedStopped);
  EXPECT_EQ(request->stop_token_id, std::nullopt);
}

TEST(StopCheckTest, IgnoreEosDoesNotStopAtEndOfText) {
  const auto request = create_request({.ignore_eos = true});
  EXPECT_EQ(check(*request, {kEosTokenId}), std::nullopt);
}

TEST(StopCheckTest, AStopTokenStopsAndIsNoted) {
  const auto request = create_request({.stop_token_ids = {42, 43}});
  EXPECT_EQ(check(*request, {10, 43}), RequestStatus::kFinishedStopped);
  EXPECT_EQ(request->stop_token_id, 43);
  EXPECT_EQ(check(*request, {43, 10}), std::nullopt);
}

TEST(StopCheckTest, MinTokensHoldsBackEveryStop) {
  const auto request = create_request({.min_tokens = 5, .stop_token_ids = {42}});
  EXPECT_EQ(check(*request, {10, 11, kEosTokenId}), std::nullopt);
  EXPECT_EQ(check(*request, {10, 11, 42}), std::nullopt);
  EXPECT_EQ(request->stop_token_id, std::nullopt);
  EXPECT_EQ(check(*request, {10, 11, 12, 13, 42}), RequestStatus::kFinishedStopped);
  EXPECT_EQ(request->stop_token_id, 42);
  EXPECT_EQ(check(*request, {1, 2, 3, 4, kEosTokenId}), RequestStatus::kFinishedStopped);
}

TEST(StopCheckTest, MaxTokensCapsTheOutput) {
  const auto request = create_request({.max_tokens = 2});
  EXPECT_EQ(check(*request, {10}), std::nullopt);
  EXPECT_EQ(check(*request, {10, 11}), RequestStatus::kFinishedLengthCapped);
}

TEST(StopCheckTest, TheModelLengthCapsPromptAndOutput) {
  const auto request = create_request({.num_tokens = kMaxModelLen - 2, .max_tokens = std::nullopt});
  EXPECT_EQ(check(*request, {10}), std::nullopt);
  EXPECT_EQ(check(*request, {10, 11}), RequestStatus::kFinishedLengthCapped);
}

TEST(StopCheckTest, AFullModelOverrulesMinTokens) {
  const auto request =
      create_request({.num_tokens = kMaxModelLen - 1, .max_tokens = std::nullopt, .min_tokens = 10}
      );
  EXPECT_EQ(check(*request, {10}), RequestStatus::kFinishedLengthCapped);
}

TEST(StopCheckTest, EndOfTextComesBeforeStopTokensAndLength) {
  const auto request = create_request({.max_tokens = 1, .stop_token_ids = {kEosTokenId}});
  EXPECT_EQ(check(*request, {kEosTokenId}), RequestStatus::kFinishedStopped);
  EXPECT_EQ(request->stop_token_id, std::nullopt);
}

TEST(StopCheckTest, AStopTokenComesBeforeLength) {
  const auto request = create_request({.max_tokens = 1, .stop_token_ids = {42}});
  EXPECT_EQ(check(*request, {42}), RequestStatus::kFinishedStopped);
}

TEST(StopCheckTest, RepetitionIsAskedLast) {
  const auto request = create_request({.min_tokens = 5});
  request->sampling_params.repetition_detection = {.max_pattern_size = 1, .min_count = 2};
  EXPECT_EQ(check(*request, {7, 7}), std::nullopt);  // min_tokens
  EXPECT_EQ(check(*request, {7, 7, 7, 7, 7}), RequestStatus::kFinishedRepetition);
  EXPECT_EQ(check(*request, std::vector<int32_t>(16, 7)), RequestStatus::kFinishedLengthCapped);
  EXPECT_EQ(check(*request, std::vector<int32_t>(6, kEosTokenId)), RequestStatus::kFinishedStopped);
}

TEST(StopCheckTest, RepetitionLooksAtTheOutputOnly) {
  const auto request = create_request({.prompt = std::vector<int32_t>{1, 2, 1, 2, 1, 2}});
  request->sampling_params.repetition_detection = {.max_pattern_size = 2, .min_count = 3};
  EXPECT_EQ(check(*request, {1, 2}), std::nullopt);
  EXPECT_EQ(check(*request, {1, 2, 1, 2, 1, 2}), RequestStatus::kFinishedRepetition);
}

struct RepetitionCase {
  std::vector<int32_t> token_ids;
  RepetitionDetection detection;
  bool is_repetition;
};
class RepetitionTest : public ::testing::TestWithParam<RepetitionCase> {};
INSTANTIATE_TEST_SUITE_P(
    Cases,
    RepetitionTest,
    ::testing::Values(
        RepetitionCase{{}, {2, 1, 2}, false},
        RepetitionCase{{5}, {2, 1, 2}, false},
        RepetitionCase{{5, 5}, {1, 1, 2}, true},
        RepetitionCase{{5, 5}, {1, 1, 3}, false},
        RepetitionCase{{5, 5, 5}, {1, 1, 3}, true},
        RepetitionCase{{5, 5, 6}, {1, 1, 2}, false},  // not at the end
        RepetitionCase{{1, 2, 1, 2}, {2, 1, 2}, true},
        RepetitionCase{{1, 2, 1, 2}, {1, 1, 2}, false},  // pattern too long
        RepetitionCase{{9, 1, 2, 3, 1, 2, 3, 1, 2, 3}, {3, 1, 3}, true},
        RepetitionCase{{1, 2, 3, 1, 2, 4, 1, 2, 3}, {3, 1, 2}, false},
        RepetitionCase{{5, 5, 5, 5}, {2, 2, 2}, true},  // 5 5 is a pattern of two
        RepetitionCase{{5, 5, 5}, {2, 2, 2}, false},  // but needs four tokens
        RepetitionCase{{1, 2, 1, 2}, {0, 1, 2}, false},  // off
        RepetitionCase{{2, 1, 2, 1, 2}, {4, 1, 2}, true}
    )
);

TEST_P(RepetitionTest, IsFoundAtTheEnd) {
  const RepetitionCase& c = GetParam();
  EXPECT_EQ(has_repetition(c.token_ids, c.detection), c.is_repetition);
}

TEST(RepetitionDetectionTest, AgreesWithTheDefinitionOnRandomTokens) {
  // A pattern of size s repeats n times if every one of the last s * n tokens equals the one s
  // places later.
  const auto by_definition = [](const std::vector<int32_t>& ids, const RepetitionDetection& d) {
    const int size = static_cast<int>(ids.size());
    for (int s = d.min_pattern_size; s <= d.max_pattern_size; ++s) {
      if (s * d.min_count > size) continue;
      bool repeats = true;
      for (int i = size - s * d.min_count; i + s < size; ++i)
        repeats &= ids[i] == ids[i + s];
      if (repeats) return true;
    }
    return false;
  };
  uint32_t random = 1;
  int num_found = 0;
  for (int i = 0; i < 5000; ++i) {
    std::vector<int32_t> ids;
    for (int k = 0; k < 12; ++k) {
      random = random * 1664525 + 1013904223;
      ids.push_back(static_cast<int32_t>(random >> 30) % 2);
    }
    const RepetitionDetection detection{
        .max_pattern_size = 1 + i % 6, .min_pattern_size = 1 + i % 2, .min_count = 2 + i % 3};
    const bool expected = by_definition(ids, detection);
    ASSERT_EQ(has_repetition(ids, detection), expected);
    num_found += expected;
  }
  EXPECT_GT(num_found, 500);
  EXPECT_LT(num_found, 4500);
}

TEST(FinishReasonTest, EveryFinishedStatusHasAReason) {
  EXPECT_EQ(finish_reason_of(RequestStatus::kFinishedStopped), FinishReason::kStop);
  EXPECT_EQ(finish_reason_of(RequestStatus::kFinishedLengthCapped), FinishReason::kLength);
  EXPECT_EQ(finish_reason_of(RequestStatus::kFinishedIgnored), FinishReason::kLength);
  EXPECT_EQ(finish_reason_of(RequestStatus::kFinishedAborted), FinishReason::kAbort);
  EXPECT_EQ(finish_reason_of(RequestStatus::kFinishedError), FinishReason::kError);
  EXPECT_EQ(finish_reason_of(RequestStatus::kFinishedRepetition), FinishReason::kRepetition);
  EXPECT_FALSE(is_finished(RequestStatus::kPreempted));
}

}  // namespace
}  // namespace quire::test
