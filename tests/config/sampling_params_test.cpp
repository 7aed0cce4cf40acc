#include "quire/sampling_params.h"

#include <cmath>
#include <cstdlib>
#include <limits>
#include <string>

#include <gtest/gtest.h>

#include "config/sampling_limits.h"
#include "quire/error.h"
#include "quire/request_output.h"

namespace quire {
namespace {

using Ids = std::vector<int32_t>;

const double kNaN = std::nan("");
const double kInfinity = std::numeric_limits<double>::infinity();

// Field and text of the refusal; empty when the parameters are accepted.
struct Refusal {
  std::string field;
  std::string text;
};

template <class Check>
Refusal refusal_of(const Check& check) {
  try {
    check();
  } catch (const InvalidArgument& error) {
    return {error.field(), error.what()};
  }
  return {};
}

Refusal validate(SamplingParams params) {
  return refusal_of([&] { params.validate(); });
}

void expect_refused(const SamplingParams& params, const char* field, const std::string& text) {
  const Refusal refusal = validate(params);
  EXPECT_EQ(refusal.field, field);
  EXPECT_EQ(refusal.text.substr(0, text.size()), text);
}

void expect_accepted(const SamplingParams& params) {
  const Refusal refusal = validate(params);
  EXPECT_EQ(refusal.text, "");
}

SamplingParams validated(SamplingParams params) {
  params.validate();
  return params;
}

TEST(SamplingParams, AreAcceptedAndUnchangedByDefault) {
  EXPECT_EQ(validated({}), SamplingParams());
}

TEST(SamplingParams, NMustBePositiveAndBounded) {
  expect_refused({.n = 0}, "n", "n must be at least 1, got 0.");
  expect_refused({.n = -3}, "n", "n must be at least 1, got -3.");
  expect_accepted({.n = 16384});
  expect_refused({.n = 16385}, "n", "n must be at most 16384, got 16385.");
}

TEST(SamplingParams, NIsBoundedByTheEnvironment) {
  ASSERT_EQ(setenv("VLLM_MAX_N_SEQUENCES", "3", 1), 0);
  expect_accepted({.n = 3});
  expect_refused({.n = 4}, "n", "n must be at most 3, got 4.");
  unsetenv("VLLM_MAX_N_SEQUENCES");
}

TEST(SamplingParams, NMustBeOneWhenGreedy) {
  expect_refused(
      {.n = 2, .temperature = 0.0}, "n", "n must be 1 when using greedy sampling, got 2."
  );
  expect_accepted({.n = 1, .temperature = 0.0});
}

TEST(SamplingParams, PenaltiesHaveRanges) {
  for (const double good : {-2.0, 0.0, 2.0}) {
    expect_accepted({.presence_penalty = good, .frequency_penalty = good});
  }
  expect_refused(
      {.presence_penalty = 2.5}, "presence_penalty", "presence_penalty must be in [-2, 2], got 2.5."
  );
  expect_refused(
      {.frequency_penalty = -2.01},
      "frequency_penalty",
      "frequency_penalty must be in [-2, 2], got -2.01."
  );
  expect_refused(
      {.frequency_penalty = kNaN}, "frequency_penalty", "frequency_penalty must be in [-2, 2]"
  );
}

TEST(SamplingParams, RepetitionPenaltyMustBePositive) {
  expect_accepted({.repetition_penalty = 0.01});
  expect_refused(
      {.repetition_penalty = 0.0},
      "repetition_penalty",
      "repetition_penalty must be greater than zero, got 0."
  );
  expect_refused(
      {.repetition_penalty = kInfinity},
      "repetition_penalty",
      "repetition_penalty must be a finite number, got inf."
  );
}

TEST(SamplingParams, TemperatureMustBeFiniteAndNonNegative) {
  expect_refused(
      {.temperature = -0.1}, "temperature", "temperature must be non-negative, got -0.1."
  );
  expect_refused({.temperature = kNaN}, "temperature", "temperature must be a finite number");
  expect_refused({.temperature = kInfinity}, "temperature", "temperature must be a finite number");
}

TEST(SamplingParams, TinyTemperaturesAreRaised) {
  EXPECT_EQ(validated({.temperature = 0.001}).temperature, 0.01);
  EXPECT_EQ(validated({.temperature = 1e-7}).temperature, 0.01);
  EXPECT_EQ(validated({.temperature = 0.01}).temperature, 0.01);
  EXPECT_EQ(validated({.temperature = 0.0}).temperature, 0.0);
}

TEST(SamplingParams, TruncationsHaveRanges) {
  expect_refused({.top_p = 0.0}, "top_p", "top_p must be in (0, 1], got 0.");
  expect_refused({.top_p = 1.1}, "top_p", "top_p must be in (0, 1], got 1.1.");
  expect_refused({.top_p = kNaN}, "top_p", "top_p must be in (0, 1]");
  expect_refused({.top_k = -2}, "top_k", "top_k must be 0 (disable), or at least 1, got -2.");
  expect_refused({.min_p = -0.1}, "min_p", "min_p must be in [0, 1], got -0.1.");
  expect_refused({.min_p = 1.5}, "min_p", "min_p must be in [0, 1], got 1.5.");
  expect_accepted({.top_p = 1e-9, .top_k = 1, .min_p = 1.0});
}

TEST(SamplingParams, GreedySwitchesTruncationOff) {
  const auto params = validated({.temperature = 0.0, .top_p = 0.5, .top_k = 7, .min_p = 0.2});
  EXPECT_EQ(params.top_p, 1.0);
  EXPECT_EQ(params.top_k, 0);
  EXPECT_EQ(params.min_p, 0.0);
}

TEST(SamplingParams, MinusOneMeansNoSeedAndNoTopK) {
  const auto params = validated({.top_k = -1, .seed = -1});
  EXPECT_EQ(params.top_k, 0);
  EXPECT_EQ(params.seed, std::nullopt);
  EXPECT_EQ(validated({.seed = -2}).seed, -2);
}

TEST(SamplingParams, TokenLimitsMustFitEachOther) {
  expect_refused({.max_tokens = 0}, "max_tokens", "max_tokens must be at least 1, got 0.");
  expect_refused(
      {.min_tokens = -1}, "min_tokens", "min_tokens must be greater than or equal to 0, got -1."
  );
  expect_refused(
      {.max_tokens = 5, .min_tokens = 6},
      "min_tokens",
      "min_tokens must be less than or equal to max_tokens=5, got 6."
  );
  expect_accepted({.max_tokens = 5, .min_tokens = 5});
  expect_accepted({.max_tokens = std::nullopt, .min_tokens = 1000});
}

TEST(SamplingParams, LogprobsAreCountsOrMinusOne) {
  expect_refused({.logprobs = -2}, "logprobs", "logprobs must be non-negative or -1, got -2.");
  expect_refused(
      {.prompt_logprobs = -5},
      "prompt_logprobs",
      "prompt_logprobs must be non-negative or -1, got -5."
  );
  expect_accepted({.logprobs = -1, .prompt_logprobs = 0});
}

TEST(SamplingParams, PromptLogprobsDoNotReadThePrefixCache) {
  expect_refused(
      {.prompt_logprobs = 0, .skip_reading_prefix_cache = false},
      "skip_reading_prefix_cache",
      "prompt_logprobs needs the logits of every prompt token"
  );
  expect_accepted({.prompt_logprobs = 0, .skip_reading_prefix_cache = true});
  expect_accepted({.skip_reading_prefix_cache = false});
}

TEST(SamplingParams, LogprobTokenIdsAreFewAndFitLogprobs) {
  expect_accepted({.logprob_token_ids = Ids(128, 3)});
  expect_refused(
      {.logprob_token_ids = Ids(129, 3)},
      "logprob_token_ids",
      "Requested logprob_token_ids of length 129, which is greater than max allowed: 128"
  );
  expect_accepted({.logprobs = 2, .logprob_token_ids = Ids{4, 5}});
  expect_refused(
      {.logprobs = 3, .logprob_token_ids = Ids{4, 5}},
      "logprob_token_ids",
      "When both logprobs and logprob_token_ids are set, logprobs must equal"
  );
}

TEST(SamplingParams, StopStringsMustNotBeEmptyAndNeedText) {
  expect_refused({.stop = {"a", ""}}, "stop", "stop cannot contain an empty string.");
  expect_refused(
      {.stop = {"a"}, .detokenize = false},
      "stop",
      "stop strings are only supported when detokenize is True."
  );
  expect_accepted({.stop = {"a"}});
}

TEST(SamplingParams, WordsMustBeUtf8) {
  expect_refused({.stop = {"a", "caf\xe9"}}, "stop", "stop has text that is not valid UTF-8");
  expect_refused({.bad_words = {"\xff"}}, "bad_words", "bad_words has text");
  expect_accepted({.stop = {"caf\u00e9"}});
}

TEST(SamplingParams, WordAndIdListsMustNotBeEmpty) {
  expect_refused({.bad_words = {""}}, "bad_words", "bad_words cannot contain an empty string.");
  expect_refused({.allowed_token_ids = Ids{}}, "allowed_token_ids", "allowed_token_ids");
}

TEST(SamplingParams, RepeatedStopIdsAndBadWordsCountOnce) {
  const auto params = validated({.stop_token_ids = {5, 3, 5, 3, 4}, .bad_words = {"b", "a", "b"}});
  EXPECT_EQ(params.stop_token_ids, (Ids{5, 3, 4}));
  EXPECT_EQ(params.bad_words, (std::vector<std::string>{"b", "a"}));
}

TEST(SamplingParams, LogitBiasIsClamped) {
  const auto params = validated({.logit_bias = {{1, 500.0f}, {2, -500.0f}, {3, 7.5f}}});
  EXPECT_EQ(params.logit_bias, (std::map<int32_t, float>{{1, 100.0f}, {2, -100.0f}, {3, 7.5f}}));
  expect_refused(
      {.logit_bias = {{9, std::nanf("")}}},
      "logit_bias",
      "logit_bias of token id 9 is not a number."
  );
}

SamplingParams with_detection(int max_size, int min_size, int min_count) {
  return {
      .repetition_detection = RepetitionDetection{
          .max_pattern_size = max_size, .min_pattern_size = min_size, .min_count = min_count}};
}

TEST(SamplingParams, RepetitionDetectionHasRanges) {
  expect_accepted(with_detection(8, 1, 2));
  expect_refused(with_detection(3, 4, 2), "repetition_detection", "repetition_detection needs");
  expect_refused(with_detection(-1, -2, 2), "repetition_detection", "repetition_detection needs");
  expect_refused(
      with_detection(3, 1, 1), "repetition_detection", "min_count must be >= 2 to detect"
  );
}

TEST(SamplingParams, RepetitionDetectionOfSizeZeroIsOff) {
  EXPECT_FALSE(validated(with_detection(0, 0, 0)).repetition_detection.has_value());
  EXPECT_EQ(validated(with_detection(4, 0, 3)).repetition_detection->min_pattern_size, 1);
}

TEST(SamplingParams, ValidatingTwiceChangesNothing) {
  const auto once = validated(
      {.temperature = 0.001,
       .top_k = -1,
       .seed = -1,
       .stop_token_ids = {2, 2},
       .logit_bias = {{1, 300.0f}}}
  );
  EXPECT_EQ(validated(once), once);
}

Refusal check_limits(const SamplingParams& params, int max_logprobs = 20) {
  return refusal_of([&] {
    check_sampling_limits(params, {.vocab_size = 100, .max_logprobs = max_logprobs});
  });
}

TEST(SamplingLimits, BoundLogprobs) {
  EXPECT_EQ(check_limits({.logprobs = 20, .prompt_logprobs = 20}).text, "");
  EXPECT_EQ(check_limits({.logprobs = 21}).field, "logprobs");
  EXPECT_TRUE(check_limits({.logprobs = 21})
                  .text.starts_with(
                      "Requested sample logprobs of 21, which is greater than max allowed: 20"
                  ));
  EXPECT_TRUE(check_limits({.prompt_logprobs = -1})
                  .text.starts_with(
                      "Requested prompt logprobs of 100, which is greater than max allowed: 20"
                  ));
  EXPECT_EQ(check_limits({.logprobs = -1, .prompt_logprobs = 100}, -1).text, "");
}

TEST(SamplingLimits, KeepTokenIdsInsideTheVocabulary) {
  EXPECT_EQ(check_limits({.stop_token_ids = {0, 99}}).text, "");
  EXPECT_EQ(
      check_limits({.stop_token_ids = {5, 100, -1}}).text,
      "token_id(s) [100, -1] in stop_token_ids contain out-of-vocab token ids. Vocabulary size: 100"
  );
  EXPECT_EQ(check_limits({.logit_bias = {{100, 1.0f}}}).field, "logit_bias");
  EXPECT_EQ(check_limits({.allowed_token_ids = Ids{100}}).field, "allowed_token_ids");
  EXPECT_EQ(check_limits({.logprob_token_ids = Ids{-7}}).field, "logprob_token_ids");
  SamplingParams with_word;
  with_word.bad_words_token_ids = {{1, 2}, {3, 100}};
  EXPECT_EQ(check_limits(with_word).field, "bad_words");
}

TEST(SamplingLimits, NameOnlyTheFirstOfManyIds) {
  const Refusal refusal = check_limits({.allowed_token_ids = Ids(100000, 500)});
  EXPECT_LT(refusal.text.size(), 300u);
}

TEST(FinishReason, HasVllmsNames) {
  EXPECT_STREQ(finish_reason_name(FinishReason::kStop), "stop");
  EXPECT_STREQ(finish_reason_name(FinishReason::kLength), "length");
  EXPECT_STREQ(finish_reason_name(FinishReason::kAbort), "abort");
  EXPECT_STREQ(finish_reason_name(FinishReason::kError), "error");
  EXPECT_STREQ(finish_reason_name(FinishReason::kRepetition), "repetition");
}

}  // namespace
}  // namespace quire
