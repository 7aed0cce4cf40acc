// What update() does with sampled tokens.
#include <array>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/scheduler.h"
#include "quire/error.h"
#include "support/scheduler_factory.h"

namespace quire::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Two running requests whose prompts are computed; one more step is planned.
struct TwoRunning {
  Scheduler scheduler;
  SchedulerOutput output;

  TwoRunning(const RequestOptions& first, const RequestOptions& second, size_t num_drafts)
      : scheduler(create_scheduler()) {
    scheduler.add_request(create_request(first));
    scheduler.add_request(create_request(second));
    const SchedulerOutput prefill = scheduler.schedule();
    update(scheduler, prefill, make_runner_output(prefill, {{0, {1}}, {1, {1}}}));
    // As many drafts as the tests sample further tokens.
    const std::vector<int32_t> drafts(num_drafts, 7);
    scheduler.set_draft_tokens(0, drafts);
    scheduler.set_draft_tokens(1, drafts);
    output = scheduler.schedule();
  }
  EngineCoreOutputs sample(std::vector<int32_t> first, std::vector<int32_t> second) {
    return update(scheduler, output, make_runner_output(output, {{0, first}, {1, second}}));
  }
};

std::vector<int32_t> new_tokens(const EngineCoreOutputs& outputs, RequestId id) {
  const std::span<const int32_t> ids = outputs.new_token_ids(*find_output(outputs, id));
  return {ids.begin(), ids.end()};
}

TEST(SchedulerUpdateTest, EndOfTextStopsARequestAndTheOtherGoesOn) {
  TwoRunning two({.id = 0}, {.id = 1}, 2);
  const EngineCoreOutputs outputs = two.sample({kEosTokenId}, {10, 11});
  EXPECT_THAT(new_tokens(outputs, 0), ElementsAre(kEosTokenId));
  EXPECT_EQ(find_output(outputs, 0)->finish_reason, FinishReason::kStop);
  EXPECT_EQ(find_output(outputs, 0)->stop_token_id, std::nullopt);
  EXPECT_THAT(new_tokens(outputs, 1), ElementsAre(10, 11));
  EXPECT_EQ(find_output(outputs, 1)->finish_reason, std::nullopt);
  EXPECT_EQ(two.scheduler.find_request(0), nullptr);
  EXPECT_EQ(ids_of(two.scheduler.running()), std::vector<RequestId>{1});
  EXPECT_THAT(two.scheduler.schedule().finished_request_ids, ElementsAre(0));
  two.scheduler.check_integrity();
}

// Whether a step's outputs must reach their reader at once.
bool is_awaited(RequestOutputKind kind, std::vector<std::string> stop, int max_tokens) {
  Scheduler scheduler = create_scheduler();
  auto request = create_request({.id = 0, .max_tokens = max_tokens});
  request->sampling_params.output_kind = kind;
  request->sampling_params.stop = std::move(stop);
  scheduler.add_request(std::move(request));
  const SchedulerOutput output = scheduler.schedule();
  return update(scheduler, output, make_runner_output(output, {{0, {1}}})).is_awaited;
}

TEST(SchedulerUpdateTest, OutputsAreAwaitedByStreamsStopStringsAndEnds) {
  EXPECT_TRUE(is_awaited(RequestOutputKind::kCumulative, {}, 16));
  EXPECT_TRUE(is_awaited(RequestOutputKind::kDelta, {}, 16));
  EXPECT_TRUE(is_awaited(RequestOutputKind::kFinalOnly, {"stop"}, 16));
  EXPECT_TRUE(is_awaited(RequestOutputKind::kFinalOnly, {}, 1)) << "the request ends";
  EXPECT_FALSE(is_awaited(RequestOutputKind::kFinalOnly, {}, 16));
}

TEST(SchedulerUpdateTest, TokensBehindAStopTokenAreDropped) {
  TwoRunning two({.id = 0, .stop_token_ids = {42, 43}}, {.id = 1, .stop_token_ids = {42, 43}}, 2);
  const EngineCoreOutputs outputs = two.sample({10, 42, 12}, {13, 14});
  EXPECT_THAT(new_tokens(outputs, 0), ElementsAre(10, 42));
  EXPECT_EQ(find_output(outputs, 0)->finish_reason, FinishReason::kStop);
  EXPECT_EQ(find_output(outputs, 0)->stop_token_id, 42);
  EXPECT_THAT(new_tokens(outputs, 1), ElementsAre(13, 14));
  two.scheduler.check_integrity();
}

TEST(SchedulerUpdateTest, TokensBeyondMaxTokensAreDropped) {
  TwoRunning two({.id = 0, .max_tokens = 3}, {.id = 1, .max_tokens = 3}, 2);
  const EngineCoreOutputs outputs = two.sample({10, 11, 12}, {13});
  EXPECT_THAT(new_tokens(outputs, 0), ElementsAre(10, 11));
  EXPECT_EQ(find_output(outputs, 0)->finish_reason, FinishReason::kLength);
  EXPECT_EQ(find_output(outputs, 1)->finish_reason, std::nullopt);
  two.scheduler.check_integrity();
}

TEST(SchedulerUpdateTest, IgnoreEosKeepsEndOfTextAsAToken) {
  TwoRunning two({.id = 0, .ignore_eos = true}, {.id = 1}, 2);
  const EngineCoreOutputs outputs = two.sample({kEosTokenId, 10, 11}, {5});
  EXPECT_THAT(new_tokens(outputs, 0), ElementsAre(kEosTokenId, 10, 11));
  EXPECT_EQ(find_output(outputs, 0)->finish_reason, std::nullopt);
  two.scheduler.check_integrity();
}

TEST(SchedulerUpdateTest, AFullModelEndsARequest) {
  Scheduler scheduler = create_scheduler({.max_model_len = 12});
  add_requests(scheduler, 1, {.num_tokens = 10, .max_tokens = std::nullopt, .min_tokens = 100});
  for (std::optional<FinishReason> reason :
       {std::optional<FinishReason>(), {FinishReason::kLength}}) {
    const SchedulerOutput output = scheduler.schedule();
    const EngineCoreOutputs outputs =
        update(scheduler, output, make_runner_output(scheduler, output, 3));
    ASSERT_EQ(outputs.outputs.size(), 1u);
    EXPECT_EQ(outputs.outputs[0].finish_reason, reason);
  }
  expect_scheduler_is_empty(scheduler);
}

TEST(SchedulerUpdateTest, OutputsAreFlatAndAppended) {
  Scheduler scheduler = create_scheduler();
  add_requests(scheduler, 2);
  const SchedulerOutput output = scheduler.schedule();
  EngineCoreOutputs outputs;
  outputs.token_ids = {100};
  ModelRunnerOutput result = make_runner_output(output, {{0, {5}}, {1, {6}}});
  scheduler.update(output, result, outputs);
  EXPECT_THAT(outputs.token_ids, ElementsAre(100, 5, 6));
  EXPECT_EQ(outputs.outputs[1].token_start, 2);
  EXPECT_THAT(outputs.new_token_ids(outputs.outputs[1]), ElementsAre(6));
}

TEST(SchedulerUpdateTest, EventsAreToldOnceWithTheFirstToken) {
  Scheduler scheduler = create_scheduler();
  add_requests(scheduler, 1);
  SchedulerOutput output = scheduler.schedule();
  EngineCoreOutputs outputs = update(scheduler, output, make_runner_output(output, {{0, {5}}}));
  const std::vector<RequestEvent>& events = outputs.outputs.at(0).events;
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].kind, RequestEvent::Kind::kQueued);
  EXPECT_EQ(events[1].kind, RequestEvent::Kind::kScheduled);
  EXPECT_LE(events[0].time, events[1].time);
  output = scheduler.schedule();
  outputs = update(scheduler, output, make_runner_output(output, {{0, {5}}}));
  EXPECT_THAT(outputs.outputs.at(0).events, IsEmpty());
}

TEST(SchedulerUpdateTest, ARequestAbortedWhileItsStepRunsGetsNothing) {
  Scheduler scheduler = create_scheduler();
  add_requests(scheduler, 2);
  const SchedulerOutput output = scheduler.schedule();
  const std::array<RequestId, 1> ids{0};
  EXPECT_THAT(scheduler.finish_requests(ids, RequestStatus::kFinishedAborted), ElementsAre(0));
  // Its index goes to another request, which must not get the token.
  scheduler.add_request(create_request({.id = 9}));
  const EngineCoreOutputs outputs =
      update(scheduler, output, make_runner_output(output, {{0, {5}}, {1, {6}}}));
  ASSERT_EQ(outputs.outputs.size(), 1u);
  EXPECT_EQ(outputs.outputs[0].request_id, 1u);
  EXPECT_EQ(scheduler.find_request(9)->num_tokens(), 10);
  scheduler.check_integrity();
}

TEST(SchedulerUpdateTest, LogprobsFollowTheirTokens) {
  TwoRunning two({.id = 0}, {.id = 1, .max_tokens = 2}, 2);
  ModelRunnerOutput result = make_runner_output(two.output, {{0, {5}}, {1, {6, 7, 8}}});
  const auto row = [](int32_t id) { return TokenLogprobs{{id}, {-1.0f}, 1}; };
  result.logprobs = {{1, {row(6), row(7), row(8)}}};
  const EngineCoreOutputs outputs = update(two.scheduler, two.output, std::move(result));
  EXPECT_THAT(find_output(outputs, 0)->new_logprobs, IsEmpty());
  EXPECT_THAT(find_output(outputs, 1)->new_logprobs, ElementsAre(row(6)));  // max_tokens 2
}

TEST(SchedulerUpdateTest, PromptLogprobsComeChunkByChunk) {
  Scheduler scheduler = create_scheduler({.max_num_batched_tokens = 16, .max_model_len = 100});
  add_requests(scheduler, 1, {.num_tokens = 20, .prompt_logprobs = 0});
  const auto rows = [](int n) { return std::vector<TokenLogprobs>(n, {{0}, {-1.0f}, 1}); };
  SchedulerOutput output = scheduler.schedule();
  ModelRunnerOutput result = make_runner_output(output, {});
  result.prompt_logprobs = {{0, rows(16)}};
  EngineCoreOutputs outputs = update(scheduler, output, std::move(result));
  EXPECT_EQ(outputs.outputs.at(0).new_prompt_logprobs.size(), 16u);
  EXPECT_EQ(outputs.outputs.at(0).num_new_tokens, 0);

  output = scheduler.schedule();
  result = make_runner_output(output, {{0, {5}}});
  result.prompt_logprobs = {{0, rows(3)}};
  outputs = update(scheduler, output, std::move(result));
  EXPECT_EQ(outputs.outputs.at(0).new_prompt_logprobs.size(), 3u);
  EXPECT_THAT(outputs.new_token_ids(outputs.outputs[0]), ElementsAre(5));
}

TEST(SchedulerUpdateTest, PromptLogprobsAreNotToldAgainAfterPreemption) {
  Scheduler scheduler = create_scheduler();
  add_requests(scheduler, 1, {.num_tokens = 20, .prompt_logprobs = 0});
  for (size_t expected : {19u, 0u}) {
    const SchedulerOutput output = scheduler.schedule();
    ModelRunnerOutput result = make_runner_output(output, {{0, {5}}});
    result.prompt_logprobs = {{0, std::vector<TokenLogprobs>(19, {{0}, {-1.0f}, 1})}};
    const EngineCoreOutputs outputs = update(scheduler, output, std::move(result));
    EXPECT_EQ(outputs.outputs.at(0).new_prompt_logprobs.size(), expected);
    EXPECT_TRUE(scheduler.reset_prefix_cache(/*reset_running_requests=*/true));
  }
  EXPECT_EQ(scheduler.find_request(0)->num_preemptions, 2);
}

// (drafts, sampled) -> tokens computed afterwards: everything but the newest token.
TEST(SchedulerUpdateTest, RejectedDraftsAreTakenBack) {
  for (const auto& [drafts, sampled] :
       {std::pair<std::vector<int32_t>, std::vector<int32_t>>{{1, 2, 3}, {1, 2, 3, 4}},
        {{1, 2, 3}, {1, 5}},
        {{1, 2}, {9}},
        {{}, {5}}}) {
    Scheduler scheduler = create_scheduler();
    add_requests(scheduler, 1);
    const SchedulerOutput prefill = scheduler.schedule();
    update(scheduler, prefill, make_runner_output(prefill, {{0, {0}}}));
    scheduler.set_draft_tokens(0, drafts);
    const SchedulerOutput output = scheduler.schedule();
    EXPECT_EQ(output.requests.at(0).num_scheduled_tokens, static_cast<int>(1 + drafts.size()));
    EXPECT_EQ(output.requests.at(0).num_draft_tokens, static_cast<int>(drafts.size()));
    EXPECT_EQ(output.draft_token_ids, drafts);
    const EngineCoreOutputs outputs =
        update(scheduler, output, make_runner_output(output, {{0, sampled}}));
    EXPECT_EQ(new_tokens(outputs, 0), sampled);
    const Request& request = *scheduler.find_request(0);
    EXPECT_EQ(request.num_computed_tokens, request.num_tokens() - 1);
    scheduler.check_integrity();
  }
}

TEST(SchedulerUpdateTest, DraftsWithoutAnySampledTokenAreComputedAgain) {
  Scheduler scheduler = create_scheduler();
  add_requests(scheduler, 1);
  const SchedulerOutput prefill = scheduler.schedule();
  update(scheduler, prefill, make_runner_output(prefill, {{0, {0}}}));
  scheduler.set_draft_tokens(0, std::vector<int32_t>{1, 2, 3});
  const SchedulerOutput output = scheduler.schedule();
  EXPECT_THAT(update(scheduler, output, make_runner_output(output, {})).outputs, IsEmpty());
  EXPECT_EQ(num_scheduled_tokens(scheduler.schedule()).at(0), 1);
  scheduler.check_integrity();
}

TEST(SchedulerUpdateTest, PrefillChunksCarryNoDrafts) {
  Scheduler scheduler = create_scheduler({.max_num_batched_tokens = 50, .max_model_len = 200});
  add_requests(scheduler, 1, {.num_tokens = 80});
  const std::vector<int32_t> drafts{1, 2, 3};
  for (int expected : {50, 30, 4}) {
    const SchedulerOutput output = scheduler.schedule();
    EXPECT_EQ(num_scheduled_tokens(output).at(0), expected);
    update(scheduler, output, make_runner_output(scheduler, output, 0));
    scheduler.set_draft_tokens(0, drafts);
  }
  scheduler.check_integrity();
}

TEST(SchedulerUpdateTest, DraftsStopWhereTheModelEnds) {
  Scheduler scheduler = create_scheduler({.max_model_len = 13});
  add_requests(scheduler, 1, {.num_tokens = 10, .max_tokens = std::nullopt});
  const SchedulerOutput prefill = scheduler.schedule();
  update(scheduler, prefill, make_runner_output(prefill, {{0, {0}}}));
  scheduler.set_draft_tokens(0, std::vector<int32_t>{1, 2, 3});
  const SchedulerOutput output = scheduler.schedule();
  // Tokens 10 and 11 are computed; the one sampled behind them is the 13th and last.
  EXPECT_EQ(num_scheduled_tokens(output).at(0), 2);
  EXPECT_THAT(output.draft_token_ids, ElementsAre(1));
  scheduler.check_integrity();
}

TEST(SchedulerUpdateTest, SamplingInTheMiddleOfAPromptIsABug) {
  Scheduler scheduler = create_scheduler({.max_num_batched_tokens = 16, .max_model_len = 100});
  add_requests(scheduler, 1, {.num_tokens = 20});
  const SchedulerOutput output = scheduler.schedule();
  ModelRunnerOutput result = make_runner_output(output, {{0, {5}}});
  EngineCoreOutputs outputs;
  EXPECT_THROW(scheduler.update(output, result, outputs), InternalError);
}

}  // namespace
}  // namespace quire::test
