// One request from the engine core's tokens to its reader.
#include "engine/request_state.h"

#include <atomic>
#include <chrono>
#include <future>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/test_paths.h"

namespace quire {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

const std::string kPrompt = "Hello, my name is";
const std::string kText = " Lee, and I'm a student";

class RequestStateTest : public ::testing::Test {
 protected:
  void start(
      const SamplingParams& params, int stream_interval = 1, const AddRequestOptions& options = {}
  ) {
    InputProcessor processor({.max_model_len = 512, .vocab_size = 4096}, tokenizer_);
    ProcessedInput input = processor.process({.text = kPrompt}, params, {});
    state_ = std::make_unique<RequestState>("r", input, tokenizer_, stream_interval, options);
  }

  UpdateResult update(int32_t id, std::optional<FinishReason> reason = {}, int index = 0) {
    EngineCoreOutput output;
    output.finish_reason = reason;
    output.num_new_tokens = 1;
    return state_->update(index, output, {&id, 1}, 100.0);
  }

  // Feeds the text's tokens until something ends the request.
  UpdateResult feed(const std::string& text) {
    UpdateResult result;
    for (const int32_t id : tokenizer_->encode(text, false)) {
      result = update(id);
      if (result.completion_finished) break;
    }
    return result;
  }

  std::string next_text() { return state_->next()->outputs.at(0).text; }

  std::shared_ptr<const Tokenizer> tokenizer_ =
      Tokenizer::from_dir(test::bundled_models_dir() / "small-chat");
  std::unique_ptr<RequestState> state_;
};

SamplingParams with_kind(RequestOutputKind kind) {
  SamplingParams params;
  params.output_kind = kind;
  params.max_tokens = 100;
  return params;
}

struct StopCase {
  int min_tokens;
  std::string stop;
  std::string expected;
};

TEST_F(RequestStateTest, StopStringsWaitForMinTokens) {
  // The text of the first five tokens is not searched; a match may end after them.
  const auto ids = tokenizer_->encode(kText, false);
  std::string first_five = tokenizer_->decode(std::span(ids).first(5));
  const size_t next_e = kText.find('e', first_five.size());
  const StopCase cases[] = {
      {0, "", kText},
      {0, "e", " L"},
      {5, "e", kText.substr(0, next_e)},
  };
  for (const StopCase& c : cases) {
    SamplingParams params = with_kind(RequestOutputKind::kFinalOnly);
    params.min_tokens = c.min_tokens;
    if (!c.stop.empty()) params.stop = {c.stop};
    start(params);
    const UpdateResult result = feed(kText);
    EXPECT_EQ(result.engine_core_goes_on, !c.stop.empty());
    if (c.stop.empty()) (void)update(2, FinishReason::kStop);
    const RequestOutput output = *state_->next();
    EXPECT_EQ(output.outputs[0].text, c.expected) << c.min_tokens << " '" << c.stop << "'";
    EXPECT_EQ(output.outputs[0].finish_reason, FinishReason::kStop);
  }
}

TEST_F(RequestStateTest, AStopStringOfSeveralTokensIsFound) {
  for (const bool include : {false, true}) {
    SamplingParams params = with_kind(RequestOutputKind::kFinalOnly);
    params.stop = {"and I'm"};
    params.include_stop_str_in_output = include;
    start(params);
    const UpdateResult result = feed(kText);
    EXPECT_TRUE(result.engine_core_goes_on);
    EXPECT_TRUE(result.request_finished);
    const CompletionOutput output = state_->next()->outputs[0];
    EXPECT_EQ(output.text, include ? " Lee, and I'm" : " Lee, ");
    EXPECT_EQ(std::get<std::string>(output.stop_reason), "and I'm");
  }
}

TEST_F(RequestStateTest, AStopStringInTheLastTokenNeedsNoAbort) {
  SamplingParams params = with_kind(RequestOutputKind::kFinalOnly);
  params.stop = {"Lee"};
  start(params);
  const auto ids = tokenizer_->encode(" Lee", false);
  UpdateResult result;
  for (size_t i = 0; i < ids.size(); ++i) {
    const bool is_last = i + 1 == ids.size();
    result = update(ids[i], is_last ? std::optional(FinishReason::kLength) : std::nullopt);
  }
  EXPECT_TRUE(result.request_finished);
  EXPECT_FALSE(result.engine_core_goes_on);
  const CompletionOutput output = state_->next()->outputs[0];
  EXPECT_EQ(output.finish_reason, FinishReason::kStop) << "the stop string counts, not the length";
  EXPECT_EQ(output.text, " ");
}

TEST_F(RequestStateTest, TheStopTokensTextIsLeftOutUnlessIncluded) {
  const int32_t stop_id = tokenizer_->encode(" student", false).back();
  for (const bool include : {false, true}) {
    SamplingParams params = with_kind(RequestOutputKind::kFinalOnly);
    params.include_stop_str_in_output = include;
    start(params);
    EngineCoreOutput output;
    output.finish_reason = FinishReason::kStop;
    output.stop_token_id = stop_id;
    output.num_new_tokens = 1;
    (void)state_->update(0, output, {&stop_id, 1}, 1.0);
    const CompletionOutput completion = state_->next()->outputs[0];
    EXPECT_EQ(completion.text.empty(), !include);
    EXPECT_THAT(completion.token_ids, ElementsAre(stop_id)) << "the id is always there";
    EXPECT_EQ(std::get<int32_t>(completion.stop_reason), stop_id);
  }
}

TEST_F(RequestStateTest, DeltasAddUpToTheWholeText) {
  start(with_kind(RequestOutputKind::kDelta));
  std::string text;
  std::vector<int32_t> ids;
  const auto all = tokenizer_->encode(kText, false);
  for (size_t i = 0; i < all.size(); ++i) {
    (void)update(all[i], i + 1 == all.size() ? std::optional(FinishReason::kLength) : std::nullopt);
    const RequestOutput output = *state_->next();
    EXPECT_EQ(output.prompt.has_value(), i == 0) << "the prompt comes once";
    EXPECT_EQ(output.prompt_token_ids.empty(), i > 0);
    text += output.outputs.at(0).text;
    ids.insert(ids.end(), output.outputs[0].token_ids.begin(), output.outputs[0].token_ids.end());
  }
  EXPECT_EQ(text, kText);
  EXPECT_EQ(ids, all);
  EXPECT_TRUE(state_->finished());
  EXPECT_FALSE(state_->next().has_value());
}

TEST_F(RequestStateTest, CumulativeOutputsGrow) {
  start(with_kind(RequestOutputKind::kCumulative));
  const auto all = tokenizer_->encode(kText, false);
  for (size_t i = 0; i < all.size(); ++i) {
    (void)update(all[i]);
    const CompletionOutput output = state_->next()->outputs.at(0);
    EXPECT_THAT(output.token_ids, SizeIs(i + 1));
    EXPECT_EQ(output.text, kText.substr(0, output.text.size()));
  }
}

TEST_F(RequestStateTest, ASlowReaderGetsWhatHasGathered) {
  start(with_kind(RequestOutputKind::kDelta));
  feed(kText);
  const RequestOutput output = *state_->next();
  EXPECT_EQ(output.outputs.at(0).text, kText);
  EXPECT_THAT(output.outputs[0].token_ids, SizeIs(tokenizer_->encode(kText, false).size()));
  EXPECT_FALSE(state_->try_next().has_value()) << "nothing new since";
}

TEST_F(RequestStateTest, AStreamHoldsBackWhatMayBecomeAStopString) {
  SamplingParams params = with_kind(RequestOutputKind::kDelta);
  params.stop = {"wxyz"};
  start(params);
  feed(" Lee, and");
  EXPECT_EQ(next_text(), " Lee, ") << "three characters are held back";
  state_->finish(FinishReason::kAbort, std::nullopt, 1.0);
  EXPECT_EQ(next_text(), "and");
}

TEST_F(RequestStateTest, NoPartOfAStopStringIsEverStreamed) {
  SamplingParams params = with_kind(RequestOutputKind::kDelta);
  params.stop = {"and I'm"};
  start(params);
  std::string streamed;
  for (const int32_t id : tokenizer_->encode(kText, false)) {
    const UpdateResult result = update(id);
    while (auto output = state_->try_next())
      streamed += output->outputs.at(0).text;
    if (result.completion_finished) break;
  }
  EXPECT_EQ(streamed, " Lee, ");
}

TEST_F(RequestStateTest, TheStreamIntervalCountsTokens) {
  start(with_kind(RequestOutputKind::kDelta), 3);
  const auto ids = tokenizer_->encode(kText, false);
  ASSERT_GE(ids.size(), 6u);
  std::vector<size_t> sizes;
  for (size_t i = 0; i < 6; ++i) {
    (void)update(ids[i], i == 5 ? std::optional(FinishReason::kLength) : std::nullopt);
    if (auto output = state_->try_next()) sizes.push_back(output->outputs.at(0).token_ids.size());
  }
  EXPECT_THAT(sizes, ElementsAre(1, 3, 2)) << "the first, every third, the last";
}

TEST_F(RequestStateTest, FinalOnlyWaitsForAllCompletions) {
  SamplingParams params = with_kind(RequestOutputKind::kFinalOnly);
  params.n = 2;
  start(params);
  EXPECT_FALSE(update(500, FinishReason::kLength, 1).request_finished);
  EXPECT_FALSE(state_->try_next().has_value());
  EXPECT_TRUE(update(501, FinishReason::kLength, 0).request_finished);
  const RequestOutput output = *state_->next();
  ASSERT_THAT(output.outputs, SizeIs(2));
  EXPECT_THAT(output.outputs[0].token_ids, ElementsAre(501));
  EXPECT_THAT(output.outputs[1].token_ids, ElementsAre(500));
  EXPECT_TRUE(output.finished);
}

TEST_F(RequestStateTest, ADeltaHoldsTheCompletionsThatHaveNews) {
  SamplingParams params = with_kind(RequestOutputKind::kDelta);
  params.n = 2;
  start(params);
  (void)update(500, std::nullopt, 1);
  const RequestOutput output = *state_->next();
  ASSERT_THAT(output.outputs, SizeIs(1));
  EXPECT_EQ(output.outputs[0].index, 1);
  EXPECT_FALSE(output.finished);
}

TEST_F(RequestStateTest, LogprobsHaveTextsAndRanks) {
  SamplingParams params = with_kind(RequestOutputKind::kFinalOnly);
  params.logprobs = 2;
  start(params);
  const int32_t lee = tokenizer_->encode(" student", false).front();
  EngineCoreOutput output;
  output.num_new_tokens = 1;
  output.finish_reason = FinishReason::kLength;
  // The sampled token is the second likeliest, and among the top two again.
  output.new_logprobs = {{{lee, 100, lee}, {-1.5f, -0.5f, -1.5f}, 2}};
  (void)state_->update(0, output, {&lee, 1}, 1.0);
  const CompletionOutput completion = state_->next()->outputs[0];
  EXPECT_DOUBLE_EQ(completion.cumulative_logprob.value(), -1.5);
  ASSERT_THAT(completion.logprobs.value(), SizeIs(1));
  const PositionLogprobs& position = completion.logprobs->front();
  ASSERT_THAT(position, SizeIs(2));
  EXPECT_EQ(position[0].first, lee);
  EXPECT_EQ(position[0].second.rank, 2);
  EXPECT_EQ(position[0].second.decoded_token, tokenizer_->token_text(lee));
  EXPECT_EQ(position[1].first, 100);
  EXPECT_EQ(position[1].second.rank, 1);
}

TEST_F(RequestStateTest, TokensAskedForByIdHaveNoRank) {
  SamplingParams params = with_kind(RequestOutputKind::kFinalOnly);
  params.logprob_token_ids = {{7}};
  start(params);
  const int32_t id = 100;
  EngineCoreOutput output;
  output.num_new_tokens = 1;
  output.finish_reason = FinishReason::kLength;
  output.new_logprobs = {{{100, 7}, {-0.5f, -9.0f}, 1}};
  (void)state_->update(0, output, {&id, 1}, 1.0);
  const auto logprobs = state_->next()->outputs[0].logprobs.value();
  EXPECT_EQ(logprobs[0][0].second.rank, 1);
  EXPECT_EQ(logprobs[0][1].first, 7);
  EXPECT_EQ(logprobs[0][1].second.rank, std::nullopt);
}

TEST_F(RequestStateTest, PromptLogprobsGatherOverTheChunks) {
  SamplingParams params = with_kind(RequestOutputKind::kDelta);
  params.prompt_logprobs = 0;
  start(params);
  const auto prompt_ids = tokenizer_->encode(kPrompt);
  for (size_t i = 1; i < prompt_ids.size(); ++i) {
    EngineCoreOutput chunk;
    chunk.new_prompt_logprobs = {{{prompt_ids[i]}, {-1.0f}, 1}};
    (void)state_->update(0, chunk, {}, 1.0);
    EXPECT_FALSE(state_->try_next().has_value()) << "a chunk is no output";
  }
  (void)update(500);
  const auto logprobs = state_->next()->prompt_logprobs.value();
  ASSERT_THAT(logprobs, SizeIs(prompt_ids.size()));
  EXPECT_TRUE(logprobs[0].empty()) << "nothing predicts the first token";
  EXPECT_EQ(logprobs[1].at(0).first, prompt_ids[1]);
}

TEST_F(RequestStateTest, TimesAndCountsComeThrough) {
  start(with_kind(RequestOutputKind::kFinalOnly));
  const int32_t id = 500;
  EngineCoreOutput output;
  output.num_new_tokens = 1;
  output.num_cached_tokens = 16;
  output.num_preemptions = 2;
  (void)state_->update(0, output, {&id, 1}, 10.0);
  output.finish_reason = FinishReason::kLength;
  (void)state_->update(0, output, {&id, 1}, 12.0);
  const RequestOutput result = *state_->next();
  EXPECT_EQ(result.num_cached_tokens, 16);
  EXPECT_EQ(result.metrics.num_preemptions, 2);
  EXPECT_EQ(result.metrics.first_token_time, 10.0);
  EXPECT_EQ(result.metrics.finished_time, 12.0);
  EXPECT_GT(result.metrics.arrival_time, 0.0);
}

TEST_F(RequestStateTest, TheOwnerLearnsOfAnEndBeforeTheReader) {
  start(with_kind(RequestOutputKind::kDelta));
  std::atomic<bool> owner_knows = false;
  auto reader = std::async(std::launch::async, [&] {
    while (!state_->finished())
      (void)state_->try_next();
    return owner_knows.load();
  });
  EngineCoreOutput output;
  output.finish_reason = FinishReason::kLength;
  const int32_t id = 500;
  (void)state_->update(0, output, {&id, 1}, 1.0, [&](const UpdateResult& result) {
    EXPECT_TRUE(result.request_finished);
    std::this_thread::sleep_for(std::chrono::milliseconds(10));  // time enough to see the end
    owner_knows = true;
  });
  EXPECT_TRUE(reader.get());
}

TEST_F(RequestStateTest, WithoutDetokenizeThereIsNoText) {
  SamplingParams params = with_kind(RequestOutputKind::kFinalOnly);
  params.detokenize = false;
  start(params);
  (void)update(500, FinishReason::kLength);
  const CompletionOutput output = state_->next()->outputs[0];
  EXPECT_EQ(output.text, "");
  EXPECT_THAT(output.token_ids, ElementsAre(500));
}

TEST_F(RequestStateTest, AnAbortDuringAStepEndsEachCompletionOnce) {
  SamplingParams params = with_kind(RequestOutputKind::kDelta);
  params.n = 2;
  start(params, 1, {.max_pending_outputs = 64});
  (void)update(40, {}, 0);
  (void)update(41, {}, 1);
  state_->finish(FinishReason::kAbort, {}, 100.0);
  const UpdateResult late = update(42, FinishReason::kLength, 0);
  EXPECT_FALSE(late.completion_finished);
  (void)update(43, {}, 1);
  std::vector<int> ends;
  size_t num_tokens = 0;
  while (const auto output = state_->next()) {
    for (const CompletionOutput& completion : output->outputs) {
      num_tokens += completion.token_ids.size();
      if (!completion.finish_reason) continue;
      EXPECT_EQ(completion.finish_reason, FinishReason::kAbort);
      ends.push_back(completion.index);
    }
    EXPECT_EQ(output->finished, ends.size() == 2);
  }
  EXPECT_THAT(ends, ElementsAre(0, 1));
  EXPECT_EQ(num_tokens, 2u) << "what came behind the end is not handed out";
}

TEST_F(RequestStateTest, AnErrorEndsTheStreamWithItsReason) {
  start(with_kind(RequestOutputKind::kDelta));
  EngineCoreOutput output;
  output.finish_reason = FinishReason::kError;
  output.error = "it can never fit";
  EXPECT_TRUE(state_->update(0, output, {}, 1.0).request_finished);
  const RequestOutput result = *state_->next();
  EXPECT_EQ(result.error, "it can never fit");
  EXPECT_EQ(result.outputs.at(0).finish_reason, FinishReason::kError);
  EXPECT_TRUE(result.finished);
  EXPECT_FALSE(state_->next().has_value());
}

TEST_F(RequestStateTest, EachCompletionThatFailsComesWithTheReason) {
  SamplingParams params = with_kind(RequestOutputKind::kDelta);
  params.n = 2;
  start(params, 1, {.max_pending_outputs = 8});
  state_->finish(FinishReason::kError, "the engine died", 1.0);
  for (const int index : {0, 1}) {
    const RequestOutput result = *state_->next();
    ASSERT_THAT(result.outputs, SizeIs(1));
    EXPECT_EQ(result.outputs[0].index, index);
    EXPECT_EQ(result.outputs[0].finish_reason, FinishReason::kError);
    EXPECT_EQ(result.error, "the engine died");
    EXPECT_EQ(result.finished, index == 1);
  }
}

}  // namespace
}  // namespace quire
