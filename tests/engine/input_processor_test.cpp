#include "engine/input_processor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "quire/error.h"
#include "quire/logits_processor.h"
#include "support/test_paths.h"

namespace quire {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int32_t kImEnd = 2;  // small-chat's end of text
constexpr int32_t kEndOfText = 0;  // the other one that its config.json names

class InputProcessorTest : public ::testing::Test {
 protected:
  ProcessedInput process(
      const Prompt& prompt, const SamplingParams& params = {}, int priority = 0
  ) {
    AddRequestOptions options;
    options.priority = priority;
    return InputProcessor(config_, tokenizer_).process(prompt, params, options);
  }

  // Expects the prompt or the params to be refused.
  void expect_refused(
      const Prompt& prompt,
      const SamplingParams& params,
      const std::string& field,
      const std::string& message,
      int priority = 0
  ) {
    try {
      process(prompt, params, priority);
      ADD_FAILURE() << "accepted, expected an error of " << field;
    } catch (const InvalidArgument& error) {
      EXPECT_EQ(error.field(), field);
      EXPECT_THAT(error.what(), HasSubstr(message));
    }
  }

  static Prompt ids(size_t length) { return {.token_ids = std::vector<int32_t>(length, 100)}; }

  InputProcessorConfig config_{
      .max_model_len = 64, .vocab_size = 4096, .max_logprobs = 20, .eos_token_ids = {2, 0}};
  std::shared_ptr<const Tokenizer> tokenizer_ =
      Tokenizer::from_dir(test::bundled_models_dir() / "small-chat");
};

struct NoChange final : LogitsProcessor {
  void apply(std::span<const int32_t>, std::span<const int32_t>, std::span<float>) override {}
};

TEST_F(InputProcessorTest, GivesEachCompletionALogitsProcessorOfItsOwn) {
  SamplingParams params;
  params.n = 2;
  params.logits_processors = {std::make_shared<NoChange>(), std::make_shared<NoChange>()};
  const ProcessedInput input = process({.text = "Hello"}, params);
  for (int i = 0; i < 2; ++i) {
    const SamplingParams& own = input.requests[i]->sampling_params;
    EXPECT_THAT(own.logits_processors, ElementsAre(params.logits_processors[i]));
  }
  params.logits_processors.pop_back();
  expect_refused(
      {.text = "Hello"}, params, "logits_processors", "each of the n=2 completions, got 1"
  );
  params.logits_processors.push_back(nullptr);
  expect_refused({.text = "Hello"}, params, "logits_processors", "got a null pointer");
  params.logits_processors.back() = params.logits_processors.front();
  config_.has_logits = false;
  expect_refused({.text = "Hello"}, params, "logits_processors", "--load-format null");
}

TEST_F(InputProcessorTest, TokenizesText) {
  const ProcessedInput input = process({.text = "Once upon a time"});
  ASSERT_EQ(input.requests.size(), 1u);
  EXPECT_EQ(input.requests[0]->token_ids, tokenizer_->encode("Once upon a time"));
  EXPECT_EQ(
      input.requests[0]->num_prompt_tokens, static_cast<int>(input.requests[0]->token_ids.size())
  );
  EXPECT_EQ(input.prompt, "Once upon a time");
}

TEST_F(InputProcessorTest, TakesTokenIdsAsTheyAre) {
  const ProcessedInput input = process({.token_ids = {5, 6}, .cache_salt = "mine"});
  EXPECT_THAT(input.requests[0]->token_ids, ElementsAre(5, 6));
  EXPECT_EQ(input.requests[0]->cache_salt, "mine");
  EXPECT_FALSE(input.prompt.has_value());
}

TEST_F(InputProcessorTest, ShowsTheTextThatCameWithTokenIds) {
  const ProcessedInput input = process({.text = "shown", .token_ids = {5, 6}});
  EXPECT_THAT(input.requests[0]->token_ids, ElementsAre(5, 6));
  EXPECT_EQ(input.prompt, "shown");
}

TEST_F(InputProcessorTest, RefusesPromptsThatCannotRun) {
  expect_refused({}, {}, "prompt", "cannot be empty");
  expect_refused(
      ids(65), {}, "prompt_token_ids", "(length 65) is longer than the maximum model length of 64"
  );
  expect_refused(ids(64), {}, "prompt_token_ids", "requested output tokens (at least 1)");
  EXPECT_NO_THROW(process(ids(63)));
  expect_refused(
      {.token_ids = {5, 4096}}, {}, "prompt_token_ids", "Token id 4096 is out of vocabulary"
  );
  expect_refused({.token_ids = {-1}}, {}, "prompt_token_ids", "Token id -1 is out of vocabulary");
  expect_refused({.text = "caf\xe9"}, {}, "prompt", "");
}

TEST_F(InputProcessorTest, RefusesParamsThatTheModelCannotServe) {
  SamplingParams params;
  params.logprobs = 21;
  expect_refused(
      ids(1), params, "logprobs", "sample logprobs of 21, which is greater than max allowed: 20"
  );
  params = {};
  params.allowed_token_ids = {{1, 4096}};
  expect_refused(ids(1), params, "allowed_token_ids", "4096");
  params = {};
  params.logit_bias = {{-7, 1.0f}};
  expect_refused(ids(1), params, "logit_bias", "-7");
  params = {};
  params.stop_token_ids = {5000};
  expect_refused(ids(1), params, "stop_token_ids", "5000");
  params = {};
  params.bad_words = {"  "};
  expect_refused(ids(1), params, "bad_words", "spaces");
}

TEST_F(InputProcessorTest, RefusesPrioritiesUnlessTheyAreOn) {
  expect_refused(ids(1), {}, "priority", "--scheduling-policy priority", 3);
  config_.has_priorities = true;
  EXPECT_EQ(process(ids(1), {}, 3).requests[0]->priority, 3);
}

TEST_F(InputProcessorTest, StopsAtEveryEndOfTextToken) {
  const SamplingParams params = process(ids(1)).requests[0]->sampling_params;
  EXPECT_EQ(params.eos_token_id, kImEnd);
  EXPECT_THAT(params.stop_token_ids, ElementsAre(kEndOfText));
}

TEST_F(InputProcessorTest, LeavesOutEndOfTextTokensThatTheModelDoesNotHave) {
  config_.eos_token_ids = {-1, 4096, 0, 1 << 30};
  EXPECT_THAT(process(ids(1)).requests[0]->sampling_params.stop_token_ids, ElementsAre(0));
  config_.vocab_size = 2;  // the tokenizer's own one is 2
  const Prompt prompt = {.token_ids = {1}};
  EXPECT_EQ(process(prompt).requests[0]->sampling_params.eos_token_id, std::nullopt);
  tokenizer_ = nullptr;
  EXPECT_EQ(process(prompt).requests[0]->sampling_params.eos_token_id, std::nullopt);
}

TEST_F(InputProcessorTest, StopsAtNoneThatIsIgnored) {
  SamplingParams wish;
  wish.ignore_eos = true;
  EXPECT_THAT(process(ids(1), wish).requests[0]->sampling_params.stop_token_ids, IsEmpty());
}

TEST_F(InputProcessorTest, LimitsTheOutputToTheRoomThatIsLeft) {
  SamplingParams params;
  params.max_tokens.reset();
  EXPECT_EQ(process(ids(60), params).requests[0]->sampling_params.max_tokens, 4);
  params.max_tokens = 100;
  params.min_tokens = 50;
  EXPECT_EQ(process(ids(60), params).requests[0]->sampling_params.max_tokens, 4);
  EXPECT_EQ(process(ids(60), params).requests[0]->sampling_params.min_tokens, 4);
  params.max_tokens = 3;
  params.min_tokens = 0;
  EXPECT_EQ(process(ids(60), params).requests[0]->sampling_params.max_tokens, 3);
}

TEST_F(InputProcessorTest, ForbidsBadWordsAtTheStartAndInsideATextAlike) {
  SamplingParams params;
  params.bad_words = {"girl"};
  const auto words = process(ids(1), params).requests[0]->sampling_params.bad_words_token_ids;
  const auto plain = tokenizer_->encode("girl", false);
  const auto spaced = tokenizer_->encode(" girl", false);
  ASSERT_FALSE(words.empty());
  EXPECT_EQ(words[0], plain);
  if (plain.size() == spaced.size()) {
    ASSERT_EQ(words.size(), 2u);
    EXPECT_EQ(words[1], spaced);
  } else {
    EXPECT_EQ(words.size(), 1u);
  }
}

TEST_F(InputProcessorTest, RefusesBadWordsThatAreNoTokens) {
  SamplingParams params;
  params.bad_words = {"caf\xe9"};
  expect_refused(ids(1), params, "bad_words", "UTF-8");
  // It knows "a" alone, and has no token for anything else.
  tokenizer_ = Tokenizer::from_json(
      R"({"version":"1.0","added_tokens":[],"normalizer":null,"pre_tokenizer":null,
          "post_processor":null,"decoder":null,"model":{"type":"BPE","vocab":{"a":0},"merges":[]}})"
  );
  ASSERT_THAT(tokenizer_->encode("xyz", false), IsEmpty());
  params.bad_words = {"xyz"};
  expect_refused(ids(1), params, "bad_words", "no token for 'xyz'");
}

TEST_F(InputProcessorTest, MakesOneRequestPerCompletion) {
  SamplingParams params;
  params.n = 3;
  params.seed = 40;
  params.prompt_logprobs = 1;
  const ProcessedInput input = process({.token_ids = {5, 6}}, params);
  ASSERT_EQ(input.requests.size(), 3u);
  for (int i = 0; i < 3; ++i) {
    const Request& request = *input.requests[i];
    EXPECT_EQ(request.sampling_params.n, 1);
    EXPECT_EQ(request.sampling_params.seed, 40 + i);
    EXPECT_EQ(request.sampling_params.prompt_logprobs.has_value(), i == 0);
    EXPECT_THAT(request.token_ids, ElementsAre(5, 6));
  }
  EXPECT_NE(input.requests[0]->id, input.requests[1]->id);
  EXPECT_NE(input.requests[1]->id, input.requests[2]->id);
}

TEST_F(InputProcessorTest, TheLargestSeedWrapsAround) {
  SamplingParams params;
  params.n = 2;
  params.seed = INT64_MAX;
  EXPECT_EQ(process(ids(1), params).requests[1]->sampling_params.seed, INT64_MIN);
}

TEST_F(InputProcessorTest, WithoutATokenizerOnlyTokenIdsWork) {
  tokenizer_ = nullptr;
  expect_refused({.text = "text"}, {}, "prompt", "prompt_token_ids");
  SamplingParams params;
  params.stop = {"x"};
  expect_refused(ids(1), params, "stop", "stop_token_ids");
  const SamplingParams completed = process(ids(1)).requests[0]->sampling_params;
  EXPECT_EQ(completed.eos_token_id, kImEnd) << "config.json names it";
}

}  // namespace
}  // namespace quire
