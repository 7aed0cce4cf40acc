// What waits for the reader of a request, and how it is told.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/request_state.h"
#include "quire/error.h"
#include "support/test_paths.h"

namespace quire {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

const std::string kText = " Lee, and I'm a student";

class RequestReaderTest : public ::testing::Test {
 protected:
  void start(const SamplingParams& params, const AddRequestOptions& options) {
    InputProcessor processor({.max_model_len = 512, .vocab_size = 4096}, tokenizer_);
    ProcessedInput input = processor.process({.text = "Hello, my name is"}, params, options);
    state_ = std::make_unique<RequestState>("r", input, tokenizer_, 1, options);
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

TEST_F(RequestReaderTest, OutputsOfSingleStepsWaitForASlowReader) {
  start(with_kind(RequestOutputKind::kDelta), {.max_pending_outputs = 100});
  const auto ids = tokenizer_->encode(kText, false);
  feed(kText);
  (void)update(2, FinishReason::kStop);
  std::string text;
  for (size_t i = 0; i < ids.size(); ++i) {
    const RequestOutput output = *state_->try_next();
    ASSERT_THAT(output.outputs, SizeIs(1));
    EXPECT_THAT(output.outputs[0].token_ids, ElementsAre(ids[i]));
    EXPECT_EQ(output.outputs[0].finish_reason, std::nullopt) << "the end belongs to the last";
    EXPECT_EQ(output.prompt.has_value(), i == 0);
    EXPECT_FALSE(output.finished);
    text += output.outputs[0].text;
  }
  EXPECT_EQ(text, kText);
  const RequestOutput last = *state_->try_next();
  EXPECT_EQ(last.outputs.at(0).finish_reason, FinishReason::kStop);
  EXPECT_TRUE(last.finished);
  EXPECT_FALSE(state_->try_next().has_value());
  EXPECT_TRUE(state_->finished());
}

TEST_F(RequestReaderTest, TooManyPendingOutputsAreMergedIntoTheNewest) {
  start(with_kind(RequestOutputKind::kDelta), {.max_pending_outputs = 2});
  for (const int32_t id : {500, 501, 502, 503})
    (void)update(id);
  EXPECT_THAT(state_->try_next()->outputs.at(0).token_ids, ElementsAre(500));
  (void)update(504);
  EXPECT_THAT(state_->try_next()->outputs.at(0).token_ids, ElementsAre(501, 502, 503));
  EXPECT_THAT(state_->try_next()->outputs.at(0).token_ids, ElementsAre(504));
  EXPECT_FALSE(state_->try_next().has_value());
}

TEST_F(RequestReaderTest, PendingOutputsOfSeveralCompletionsKeepTheirOrder) {
  SamplingParams params = with_kind(RequestOutputKind::kDelta);
  params.n = 2;
  start(params, {.max_pending_outputs = 3});
  (void)update(500, std::nullopt, 0);
  (void)update(600, std::nullopt, 1);
  (void)update(501, std::nullopt, 0);
  (void)update(601, FinishReason::kLength, 1);
  (void)update(502, FinishReason::kLength, 0);
  std::vector<std::pair<int, std::vector<int32_t>>> seen;
  while (const auto output = state_->try_next()) {
    const CompletionOutput& completion = output->outputs.at(0);
    seen.emplace_back(completion.index, completion.token_ids);
    EXPECT_EQ(output->finished, seen.size() == 3);
    EXPECT_EQ(completion.finish_reason.has_value(), seen.size() > 1);
  }
  using Ids = std::vector<int32_t>;
  EXPECT_THAT(
      seen,
      ElementsAre(std::pair(0, Ids{500}), std::pair(1, Ids{600, 601}), std::pair(0, Ids{501, 502}))
  );
}

TEST_F(RequestReaderTest, APendingOutputHasTheLogprobsOfItsOwnTokens) {
  SamplingParams params = with_kind(RequestOutputKind::kDelta);
  params.logprobs = 0;
  start(params, {.max_pending_outputs = 10});
  for (const int32_t id : {500, 501, 502}) {
    EngineCoreOutput output;
    output.num_new_tokens = 1;
    output.new_logprobs = {{{id}, {-1.0f}, 1}};
    (void)state_->update(0, output, {&id, 1}, 1.0);
  }
  for (const int32_t id : {500, 501, 502}) {
    const CompletionOutput completion = state_->try_next()->outputs.at(0);
    ASSERT_THAT(completion.logprobs.value(), SizeIs(1));
    EXPECT_EQ(completion.logprobs->front().at(0).first, id);
    EXPECT_DOUBLE_EQ(completion.cumulative_logprob.value(), 499.0 - id);
  }
}

TEST_F(RequestReaderTest, AnAbortEndsTheLastOfThePendingOutputs) {
  start(with_kind(RequestOutputKind::kDelta), {.max_pending_outputs = 10});
  (void)update(500);
  state_->finish(FinishReason::kError, "the device is gone", 1.0);
  const RequestOutput first = *state_->try_next();
  EXPECT_THAT(first.outputs.at(0).token_ids, ElementsAre(500));
  EXPECT_EQ(first.error, std::nullopt);
  const RequestOutput last = *state_->try_next();
  EXPECT_EQ(last.error, "the device is gone");
  EXPECT_EQ(last.outputs.at(0).finish_reason, FinishReason::kError);
  EXPECT_TRUE(last.finished);
}

TEST_F(RequestReaderTest, NoPartOfAStopStringIsInAPendingOutput) {
  SamplingParams params = with_kind(RequestOutputKind::kDelta);
  params.stop = {"and I'm"};
  start(params, {.max_pending_outputs = 100});
  EXPECT_TRUE(feed(kText).request_finished);
  std::string text;
  while (const auto output = state_->try_next())
    text += output->outputs.at(0).text;
  EXPECT_EQ(text, " Lee, ");
}

TEST_F(RequestReaderTest, CumulativeOutputsCannotWaitOneByOne) {
  try {
    start(with_kind(RequestOutputKind::kCumulative), {.max_pending_outputs = 2});
    FAIL() << "accepted";
  } catch (const InvalidArgument& error) {
    EXPECT_EQ(error.field(), "max_pending_outputs");
  }
  EXPECT_THROW(
      start(with_kind(RequestOutputKind::kDelta), {.max_pending_outputs = 0}), InvalidArgument
  );
}

TEST_F(RequestReaderTest, TheReaderIsToldWhenThereIsSomethingNewAndAtTheEnd) {
  int num_calls = 0;
  AddRequestOptions options;
  options.on_output = [&] { ++num_calls; };
  start(with_kind(RequestOutputKind::kDelta), options);
  EXPECT_EQ(num_calls, 0);
  (void)update(500);
  (void)update(501);
  EXPECT_EQ(num_calls, 1) << "it knows already";
  EXPECT_TRUE(state_->try_next().has_value());
  (void)update(502);
  EXPECT_EQ(num_calls, 2);
  (void)update(503, FinishReason::kLength);
  EXPECT_EQ(num_calls, 3);
}

TEST_F(RequestReaderTest, AReaderThatLeftIsNotTold) {
  AddRequestOptions options;
  options.on_output = [] { FAIL() << "told after it left"; };
  start(with_kind(RequestOutputKind::kDelta), options);
  state_->drop_reader();
  (void)update(500, FinishReason::kLength);
  EXPECT_TRUE(state_->ended());
}

TEST_F(RequestReaderTest, AReaderMayReadAndLeaveWhileItIsTold) {
  std::vector<int32_t> ids;
  int num_calls = 0;
  AddRequestOptions options;
  options.on_output = [&] {
    ++num_calls;
    while (const auto output = state_->try_next())
      ids.insert(
          ids.end(), output->outputs[0].token_ids.begin(), output->outputs[0].token_ids.end()
      );
    if (ids.size() == 2) state_->drop_reader();
  };
  start(with_kind(RequestOutputKind::kDelta), options);
  for (const int32_t id : {500, 501, 502})
    (void)update(id);
  EXPECT_THAT(ids, ElementsAre(500, 501));
  EXPECT_EQ(num_calls, 2);
}

}  // namespace
}  // namespace quire
