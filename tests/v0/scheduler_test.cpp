// V0's default policy: prompts first and whole, in steps of their own.
#include "v0/scheduler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "quire/error.h"
#include "v0/v0_harness.h"

namespace quire::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Counts = std::map<RequestId, int>;

TEST(V0SchedulerTest, AddedRequestsWaitAndAbortedOnesDoNot) {
  v0::Scheduler scheduler = create_v0();
  for (RequestId id = 0; id < 4; ++id)
    add(scheduler, {.id = id, .num_tokens = 4});
  EXPECT_EQ(ids_of(scheduler.waiting()), (std::vector<RequestId>{0, 1, 2, 3}));
  for (RequestId id : {0, 2})
    abort(scheduler, id);
  EXPECT_EQ(ids_of(scheduler.waiting()), (std::vector<RequestId>{1, 3}));
  EXPECT_THAT(scheduler.schedule().finished_request_ids, IsEmpty());  // the runner saw none
  scheduler.check_integrity();
}

TEST(V0SchedulerTest, PromptsRunTogetherAndThenDecodeTogether) {
  v0::Scheduler scheduler = create_v0({.max_num_seqs = 4, .num_blocks = 8});
  for (RequestId id = 0; id < 4; ++id)
    add(scheduler, {.id = id, .num_tokens = 4});
  const V0Step prompts = run_step(scheduler);
  EXPECT_EQ(prompts.output.total_num_scheduled_tokens, 16);
  EXPECT_THAT(prompts.output.new_requests, SizeIs(4));
  const V0Step decodes = run_step(scheduler);
  EXPECT_EQ(decodes.output.total_num_scheduled_tokens, 4);
  EXPECT_THAT(decodes.output.new_requests, IsEmpty());
  EXPECT_THAT(decodes.output.new_block_ids, SizeIs(4));  // token 5 opens a block
}

TEST(V0SchedulerTest, ANewPromptInterruptsTheDecodes) {
  v0::Scheduler scheduler = create_v0({.max_num_seqs = 2, .num_blocks = 16});
  add(scheduler, {.id = 0, .num_tokens = 1});
  run_step(scheduler);
  add(scheduler, {.id = 1, .num_tokens = 30});
  EXPECT_EQ(num_scheduled_tokens(run_step(scheduler).output), (Counts{{1, 30}}));
  EXPECT_EQ(num_scheduled_tokens(run_step(scheduler).output), (Counts{{0, 1}, {1, 1}}));
}

TEST(V0SchedulerTest, ThePreemptedOneComesBackWhenTheOtherIsAborted) {
  v0::Scheduler scheduler = create_v0({.max_num_seqs = 2, .num_blocks = 2});
  add(scheduler, {.id = 0, .num_tokens = 4});
  add(scheduler, {.id = 1, .num_tokens = 4});
  EXPECT_EQ(run_step(scheduler).output.total_num_scheduled_tokens, 8);

  const V0Step decode = run_step(scheduler);
  EXPECT_EQ(num_scheduled_tokens(decode.output), (Counts{{0, 1}}));
  EXPECT_THAT(decode.output.preempted_request_ids, ElementsAre(1));
  EXPECT_EQ(ids_of(scheduler.waiting()), std::vector<RequestId>{1});

  abort(scheduler, 0);
  const V0Step again = run_step(scheduler);
  EXPECT_EQ(num_scheduled_tokens(again.output), (Counts{{1, 5}}));
  ASSERT_THAT(again.output.new_requests, SizeIs(1));
  EXPECT_THAT(again.output.new_requests[0].token_ids, SizeIs(5));
  EXPECT_EQ(again.outputs.outputs.at(0).num_preemptions, 1);
}

TEST(V0SchedulerTest, MaxNumSeqsHoldsPromptsBack) {
  v0::Scheduler scheduler = create_v0({.max_num_seqs = 2});
  for (RequestId id = 0; id < 3; ++id)
    add(scheduler, {.id = id, .num_tokens = 4});
  EXPECT_EQ(num_scheduled_tokens(run_step(scheduler).output), (Counts{{0, 4}, {1, 4}}));
  EXPECT_EQ(num_scheduled_tokens(run_step(scheduler).output), (Counts{{0, 1}, {1, 1}}));
  EXPECT_EQ(ids_of(scheduler.waiting()), std::vector<RequestId>{2});
  abort(scheduler, 0);
  EXPECT_EQ(num_scheduled_tokens(run_step(scheduler).output), (Counts{{2, 4}}));
}

TEST(V0SchedulerTest, ADelayLetsPromptsGather) {
  double now = 100.0;
  v0::Scheduler scheduler =
      create_v0({.scheduler_delay_factor = 0.5, .clock = [&now] { return now; }});
  add(scheduler, {.id = 0, .num_tokens = 4});
  EXPECT_EQ(num_scheduled_tokens(run_step(scheduler).output), (Counts{{0, 4}}));

  now += 1.0;  // what the prompt took
  add(scheduler, {.id = 1, .num_tokens = 4});
  EXPECT_EQ(num_scheduled_tokens(run_step(scheduler).output), (Counts{{0, 1}}));
  now += 0.5;
  EXPECT_EQ(num_scheduled_tokens(run_step(scheduler).output), (Counts{{0, 1}}));
  now += 0.01;
  EXPECT_EQ(num_scheduled_tokens(run_step(scheduler).output), (Counts{{1, 4}}));
}

TEST(V0SchedulerTest, NobodyIsDelayedWhileNothingRuns) {
  double now = 100.0;
  v0::Scheduler scheduler =
      create_v0({.scheduler_delay_factor = 10.0, .clock = [&now] { return now; }});
  add(scheduler, {.id = 0, .num_tokens = 4});
  run_step(scheduler);
  now += 1.0;
  abort(scheduler, 0);
  add(scheduler, {.id = 1, .num_tokens = 4});
  EXPECT_EQ(num_scheduled_tokens(run_step(scheduler).output), (Counts{{1, 4}}));
}

TEST(V0SchedulerTest, APromptBeyondTheLimitEndsWithoutOutput) {
  v0::Scheduler scheduler = create_v0({.max_num_batched_tokens = 30, .max_model_len = 30});
  add(scheduler, {.id = 0, .num_tokens = 31});
  add(scheduler, {.id = 1, .num_tokens = 4});
  const V0Step step = run_step(scheduler);
  EXPECT_EQ(num_scheduled_tokens(step.output), (Counts{{1, 4}}));
  const EngineCoreOutput* told = find_output(step.outputs, 0);
  ASSERT_NE(told, nullptr);
  EXPECT_EQ(told->finish_reason, FinishReason::kLength);
  EXPECT_EQ(told->num_new_tokens, 0);
  EXPECT_TRUE(told->error.empty());
  EXPECT_EQ(scheduler.find_request(0), nullptr);
}

TEST(V0SchedulerTest, TheTokenBudgetAdmitsWholePrompts) {
  // 60 of 60 tokens, the next prompt waits; 30 + 60 of 90 fit together.
  v0::Scheduler tight = create_v0({.max_num_batched_tokens = 60, .max_model_len = 60});
  add(tight, {.id = 0, .num_tokens = 60});
  add(tight, {.id = 1, .num_tokens = 60});
  EXPECT_EQ(num_scheduled_tokens(run_step(tight).output), (Counts{{0, 60}}));
  EXPECT_EQ(ids_of(tight.waiting()), std::vector<RequestId>{1});

  v0::Scheduler wide = create_v0({.max_num_batched_tokens = 90, .max_model_len = 60});
  add(wide, {.id = 0, .num_tokens = 30});
  add(wide, {.id = 1, .num_tokens = 60});
  add(wide, {.id = 2, .num_tokens = 1});
  EXPECT_EQ(num_scheduled_tokens(run_step(wide).output), (Counts{{0, 30}, {1, 60}}));
}

TEST(V0SchedulerTest, TheFirstPromptThatDoesNotFitStopsTheScan) {
  v0::Scheduler scheduler = create_v0({.num_blocks = 16});
  add(scheduler, {.id = 0, .num_tokens = 40});
  run_step(scheduler);
  add(scheduler, {.id = 1, .num_tokens = 40});  // later: 10 blocks, 6 are free
  add(scheduler, {.id = 2, .num_tokens = 4});
  EXPECT_EQ(num_scheduled_tokens(run_step(scheduler).output), (Counts{{0, 1}}));
  EXPECT_EQ(ids_of(scheduler.waiting()), (std::vector<RequestId>{1, 2}));
}

TEST(V0SchedulerTest, APromptThatNeverFitsIsIgnored) {
  v0::Scheduler scheduler = create_v0({.num_blocks = 4});
  add(scheduler, {.id = 0, .num_tokens = 17});
  add(scheduler, {.id = 1, .num_tokens = 16});
  const V0Step step = run_step(scheduler);
  EXPECT_EQ(num_scheduled_tokens(step.output), (Counts{{1, 16}}));
  EXPECT_EQ(find_output(step.outputs, 0)->finish_reason, FinishReason::kLength);
}

TEST(V0SchedulerTest, ARequestThatOutgrowsTheCacheEndsWithWhatItHas) {
  v0::Scheduler scheduler = create_v0({.num_blocks = 2});
  add(scheduler, {.id = 0, .num_tokens = 4, .max_tokens = 30});
  for (int num_output_tokens = 1; num_output_tokens <= 5; ++num_output_tokens)
    EXPECT_EQ(run_step(scheduler).outputs.outputs.at(0).num_new_tokens, 1);
  const V0Step preempted = run_step(scheduler);  // token 9 has no block
  EXPECT_THAT(preempted.output.preempted_request_ids, ElementsAre(0));
  const V0Step last = run_step(scheduler);
  EXPECT_EQ(last.outputs.outputs.at(0).finish_reason, FinishReason::kLength);
  EXPECT_FALSE(scheduler.has_unfinished_requests());
  EXPECT_EQ(scheduler.stats().num_used_blocks, 0);
}

TEST(V0SchedulerTest, TheTailIsPreemptedAndThenTheOneThatStillHasNoRoom) {
  v0::Scheduler scheduler = create_v0({.num_blocks = 4});
  add(scheduler, {.id = 0, .num_tokens = 8});
  add(scheduler, {.id = 1, .num_tokens = 4});
  add(scheduler, {.id = 2, .num_tokens = 4});
  run_step(scheduler);
  // 0 takes the block of 2; for 1 nothing is left, and nobody stands behind it.
  const V0Step step = run_step(scheduler);
  EXPECT_EQ(num_scheduled_tokens(step.output), (Counts{{0, 1}}));
  EXPECT_THAT(step.output.preempted_request_ids, ElementsAre(2, 1));
  EXPECT_EQ(ids_of(scheduler.waiting()), (std::vector<RequestId>{1, 2}));
  EXPECT_EQ(scheduler.stats().num_preemptions, 2);
}

TEST(V0SchedulerTest, PriorityOrdersTheQueueAndTakesFromTheLeastUrgent) {
  v0::Scheduler scheduler =
      create_v0({.max_num_seqs = 2, .policy = SchedulingPolicy::kPriority, .num_blocks = 4});
  add(scheduler, {.id = 0, .num_tokens = 8, .priority = 5});
  add(scheduler, {.id = 1, .num_tokens = 4, .priority = 3});
  EXPECT_EQ(num_scheduled_tokens(run_step(scheduler).output), (Counts{{0, 8}, {1, 4}}));
  add(scheduler, {.id = 2, .num_tokens = 8, .priority = 9});
  add(scheduler, {.id = 3, .num_tokens = 8, .priority = 1});
  EXPECT_EQ(ids_of(scheduler.waiting()), (std::vector<RequestId>{3, 2}));
  // 3 cannot come in; 0 makes way, and 1 goes on.
  const V0Step step = run_step(scheduler);
  EXPECT_THAT(step.output.preempted_request_ids, ElementsAre(0));
  EXPECT_EQ(num_scheduled_tokens(step.output), (Counts{{1, 1}}));
  EXPECT_EQ(num_scheduled_tokens(run_step(scheduler).output), (Counts{{3, 8}}));
  EXPECT_EQ(ids_of(scheduler.waiting()), (std::vector<RequestId>{0, 2}));
}

TEST(V0SchedulerTest, AStepIsPlannedOnlyWhenTheOneBeforeIsDone) {
  v0::Scheduler scheduler = create_v0();
  scheduler.schedule();
  EXPECT_THROW(scheduler.schedule(), InternalError);
}

TEST(V0SchedulerTest, PausedRequestsStayWhereTheyAre) {
  v0::Scheduler scheduler = create_v0();
  add(scheduler, {.id = 0, .num_tokens = 4});
  run_step(scheduler);
  add(scheduler, {.id = 1, .num_tokens = 4});
  scheduler.set_pause_state(PauseState::kPausedNew);
  EXPECT_EQ(num_scheduled_tokens(run_step(scheduler).output), (Counts{{0, 1}}));
  scheduler.set_pause_state(PauseState::kPausedAll);
  EXPECT_FALSE(scheduler.has_work());
  EXPECT_EQ(run_step(scheduler).output.num_reqs(), 0);
  scheduler.set_pause_state(PauseState::kUnpaused);
  EXPECT_TRUE(scheduler.has_work());
  EXPECT_EQ(num_scheduled_tokens(run_step(scheduler).output), (Counts{{1, 4}}));
}

TEST(V0SchedulerTest, OthersPassARequestThatIsNotReady) {
  v0::Scheduler scheduler = create_v0();
  add(scheduler, {.id = 0, .num_tokens = 4, .is_ready = false});
  EXPECT_FALSE(scheduler.has_work());
  add(scheduler, {.id = 1, .num_tokens = 4});
  EXPECT_EQ(num_scheduled_tokens(run_step(scheduler).output), (Counts{{1, 4}}));
  scheduler.set_ready(0);
  EXPECT_EQ(num_scheduled_tokens(run_step(scheduler).output), (Counts{{0, 4}}));
}

TEST(V0SchedulerTest, ResumableRequestsAreRefused) {
  v0::Scheduler scheduler = create_v0();
  add(scheduler, {.id = 0, .num_tokens = 4, .resumable = true});
  const V0Step step = run_step(scheduler);
  EXPECT_EQ(step.outputs.outputs.at(0).finish_reason, FinishReason::kError);
  EXPECT_THAT(step.outputs.outputs.at(0).error, ::testing::HasSubstr("--scheduler v1"));
  auto further_input = create_request({.id = 0, .num_tokens = 4});
  further_input->is_streaming_update = true;
  scheduler.add_request(std::move(further_input));
  EXPECT_FALSE(scheduler.has_unfinished_requests());
}

}  // namespace
}  // namespace quire::test
