#include <array>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/scheduler.h"
#include "support/fake_runner.h"
#include "support/scheduler_factory.h"

namespace quire::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Counts = std::map<RequestId, int>;

TEST(PreemptionTest, ARequestPreemptedWhileItsStepRunsStillGetsItsToken) {
  Scheduler scheduler = create_scheduler({.max_num_batched_tokens = 100, .num_blocks = 11});
  std::vector<std::unique_ptr<Request>> requests = create_requests(2, {.num_tokens = 80});
  scheduler.add_request(std::move(requests[0]));
  const SchedulerOutput first = scheduler.schedule();
  EXPECT_EQ(first.num_reqs(), 1);
  EXPECT_EQ(first.new_blocks(0, 0).size(), 5u);

  scheduler.add_request(std::move(requests[1]));
  const SchedulerOutput second = scheduler.schedule();
  EXPECT_EQ(second.new_blocks(0, 0).size(), 5u);

  // The first request needs a sixth block for its first output token.
  update(scheduler, first, make_runner_output(first, {{0, {0}}}));
  const SchedulerOutput third = scheduler.schedule();
  EXPECT_EQ(num_scheduled_tokens(third), (Counts{{0, 1}}));
  EXPECT_THAT(third.preempted_request_ids, ElementsAre(1));
  EXPECT_EQ(scheduler.find_request(1)->status, RequestStatus::kPreempted);

  update(scheduler, second, make_runner_output(second, {{1, {42}}}));
  EXPECT_THAT(output_of(*scheduler.find_request(1)), ElementsAre(42));
  scheduler.check_integrity();
}

TEST(PreemptionTest, APreemptedRequestThatStopsLeavesTheQueue) {
  Scheduler scheduler = create_scheduler({.max_num_batched_tokens = 100, .num_blocks = 11});
  std::vector<std::unique_ptr<Request>> requests = create_requests(2, {.num_tokens = 80});
  scheduler.add_request(std::move(requests[0]));
  const SchedulerOutput first = scheduler.schedule();
  scheduler.add_request(std::move(requests[1]));
  const SchedulerOutput second = scheduler.schedule();
  update(scheduler, first, make_runner_output(first, {{0, {0}}}));
  scheduler.schedule();
  ASSERT_EQ(scheduler.find_request(1)->status, RequestStatus::kPreempted);
  const EngineCoreOutputs outputs =
      update(scheduler, second, make_runner_output(second, {{1, {kEosTokenId}}}));
  EXPECT_EQ(outputs.outputs.at(0).finish_reason, FinishReason::kStop);
  EXPECT_EQ(outputs.outputs.at(0).num_preemptions, 1);
  EXPECT_THAT(scheduler.waiting(), IsEmpty());
  // Its slot went with the preemption.
  EXPECT_THAT(scheduler.schedule().finished_request_ids, IsEmpty());
  scheduler.check_integrity();
}

// Three requests of one block each fill the cache; each needs a second block at the same time.
struct FullCache {
  Scheduler scheduler;
  explicit FullCache(int num_blocks = 4)
      : scheduler(create_scheduler({.enable_prefix_caching = true, .num_blocks = num_blocks})) {
    add_requests(scheduler, 3, {.num_tokens = 16});
    const SchedulerOutput output = scheduler.schedule();
    update(scheduler, output, make_runner_output(scheduler, output, 7));
  }
};

TEST(PreemptionTest, TheLastAdmittedGoFirstAndComeBackBeforeOthersThatWait) {
  FullCache full;
  Scheduler& scheduler = full.scheduler;
  scheduler.add_request(create_request({.id = 9, .num_tokens = 16}));
  scheduler.set_draft_tokens(2, std::vector<int32_t>{5, 6});
  const SchedulerOutput output = scheduler.schedule();
  EXPECT_EQ(num_scheduled_tokens(output), (Counts{{0, 1}}));
  // Request 2 gave its block to 0; 1 found none and went itself.
  EXPECT_THAT(output.preempted_request_ids, ElementsAre(2, 1));
  EXPECT_EQ(ids_of(scheduler.waiting()), (std::vector<RequestId>{1, 2, 9}));
  EXPECT_EQ(scheduler.stats().num_preemptions, 2);
  EXPECT_THAT(scheduler.find_request(2)->draft_token_ids, IsEmpty());
  scheduler.check_integrity();
}

TEST(PreemptionTest, NobodyIsAdmittedInAStepThatPreempts) {
  FullCache full(/*num_blocks=*/5);
  Scheduler& scheduler = full.scheduler;
  scheduler.add_request(create_request({.id = 9, .num_tokens = 4}));
  // 0 takes the free block, 1 that of 2; both run, and nothing is left of 2 but its place in line.
  const SchedulerOutput output = scheduler.schedule();
  EXPECT_THAT(output.preempted_request_ids, ElementsAre(2));
  EXPECT_THAT(output.new_requests, IsEmpty());
  EXPECT_EQ(ids_of(scheduler.waiting()), (std::vector<RequestId>{2, 9}));
  scheduler.check_integrity();
}

TEST(PreemptionTest, AResumedRequestIsNewToTheRunnerAndHitsItsOwnBlocks) {
  // 5 usable blocks: each request fills 2, and only the first gets a third.
  Scheduler scheduler = create_scheduler({.enable_prefix_caching = true, .num_blocks = 6});
  add_requests(scheduler, 2, {.num_tokens = 32});
  SchedulerOutput output = scheduler.schedule();
  update(scheduler, output, make_runner_output(scheduler, output, 7));
  output = scheduler.schedule();
  ASSERT_THAT(output.preempted_request_ids, ElementsAre(1));
  const std::array<RequestId, 1> ids{0};
  EXPECT_THAT(scheduler.finish_requests(ids, RequestStatus::kFinishedAborted), ElementsAre(0));

  output = scheduler.schedule();
  ASSERT_EQ(new_request_ids(output), std::vector<RequestId>{1});
  EXPECT_EQ(output.new_requests[0].token_ids.size(), 33u);
  EXPECT_EQ(output.new_requests[0].num_prompt_tokens, 32);
  EXPECT_EQ(output.requests.at(0).num_computed_tokens, 32);
  EXPECT_EQ(output.requests.at(0).num_scheduled_tokens, 1);
  EXPECT_EQ(output.new_blocks(0, 0).size(), 3u);  // the whole table
  // The client hears of the hit at its first admission, which was none.
  const EngineCoreOutputs outputs =
      update(scheduler, output, make_runner_output(output, {{1, {8}}}));
  EXPECT_EQ(outputs.outputs.at(0).num_cached_tokens, 0);
  EXPECT_EQ(outputs.outputs.at(0).num_preemptions, 1);
  scheduler.check_integrity();
}

TEST(PreemptionTest, ResettingThePrefixCachePreemptsInOrder) {
  Scheduler scheduler = create_scheduler({.enable_prefix_caching = true});
  const std::vector<RequestId> ids = add_requests(scheduler, 10, {.num_tokens = 20});
  const SchedulerOutput first = scheduler.schedule();
  update(scheduler, first, make_runner_output(scheduler, first, 3));

  EXPECT_FALSE(scheduler.reset_prefix_cache(/*reset_running_requests=*/false));
  EXPECT_EQ(scheduler.running().size(), 10u);
  EXPECT_TRUE(scheduler.reset_prefix_cache(/*reset_running_requests=*/true));
  EXPECT_EQ(ids_of(scheduler.waiting()), ids);
  EXPECT_EQ(scheduler.kv_cache_manager().pool().num_cached_blocks(), 0);
  EXPECT_TRUE(scheduler.has_work());
  scheduler.check_integrity();

  // They come back at once: freed and new in one step.
  const SchedulerOutput second = scheduler.schedule();
  EXPECT_EQ(second.preempted_request_ids.size(), 10u);
  EXPECT_EQ(new_request_ids(second), ids);
  EXPECT_EQ(num_scheduled_tokens(second).at(0), 21);
  scheduler.check_integrity();
}

TEST(PreemptionTest, AbortingAPreemptedRequestTellsTheRunnerNothingNew) {
  FullCache full;
  Scheduler& scheduler = full.scheduler;
  scheduler.schedule();
  const std::array<RequestId, 2> ids{1, 0};
  EXPECT_THAT(scheduler.finish_requests(ids, RequestStatus::kFinishedAborted), ElementsAre(1, 0));
  EXPECT_THAT(scheduler.schedule().finished_request_ids, ElementsAre(0));
  scheduler.check_integrity();
}

TEST(PreemptionTest, ARequestThatOutgrowsTheWholeCacheEndsAlone) {
  Scheduler scheduler = create_scheduler({.num_blocks = 3});
  FakeRunner runner(make_kv_cache_config({.num_blocks = 3}));
  scheduler.add_request(create_request({.id = 0, .num_tokens = 30, .max_tokens = 100}));
  scheduler.add_request(create_request({.id = 1, .num_tokens = 5, .max_tokens = 2}));
  std::map<RequestId, EngineCoreOutput> last;
  int num_tokens_of_first = 0;
  for (int step = 0; scheduler.has_work(); ++step) {
    ASSERT_LT(step, 20);
    const SchedulerOutput output = scheduler.schedule();
    const EngineCoreOutputs outputs = update(scheduler, output, runner.execute(output));
    for (const EngineCoreOutput& told : outputs.outputs)
      last[told.request_id] = told;
    if (const EngineCoreOutput* told = find_output(outputs, 0)) {
      num_tokens_of_first += told->num_new_tokens;
    }
  }
  EXPECT_EQ(last.at(0).finish_reason, FinishReason::kError);
  EXPECT_THAT(last.at(0).error, ::testing::HasSubstr("at most 32 of one request"));
  EXPECT_EQ(num_tokens_of_first, 3);  // 32 slots, and one token that needs none
  EXPECT_EQ(last.at(1).finish_reason, FinishReason::kLength);
  EXPECT_EQ(runner.num_live_requests(), 0);
  expect_scheduler_is_empty(scheduler);
}

TEST(PreemptionTest, ATokenUnderWayMayMakeAPreemptedRequestTooLong) {
  // 2 usable blocks, both full with its prompt; the reset comes while the step runs.
  Scheduler scheduler = create_scheduler({.num_blocks = 3});
  scheduler.add_request(create_request({.id = 0, .num_tokens = 32}));
  const SchedulerOutput output = scheduler.schedule();
  EXPECT_TRUE(scheduler.reset_prefix_cache(/*reset_running_requests=*/true));
  EXPECT_EQ(scheduler.schedule().num_reqs(), 0) << "its token is under way";
  const EngineCoreOutputs outputs =
      update(scheduler, output, make_runner_output(output, {{0, {5}}}));
  ASSERT_EQ(outputs.outputs.size(), 2u);
  EXPECT_THAT(outputs.new_token_ids(outputs.outputs[0]), ElementsAre(5));
  EXPECT_EQ(outputs.outputs[1].finish_reason, FinishReason::kError);
  EXPECT_THAT(outputs.outputs[1].error, ::testing::HasSubstr("at most 32 of one request"));
  expect_scheduler_is_empty(scheduler);
}

TEST(PreemptionTest, NothingIsLeftBehind) {
  Scheduler scheduler = create_scheduler({.enable_prefix_caching = true, .num_blocks = 11});
  FakeRunner runner(make_kv_cache_config({.num_blocks = 11}));
  add_requests(scheduler, 10, {.num_tokens = 40, .max_tokens = 10});
  int num_steps = 0;
  while (scheduler.has_work()) {
    ASSERT_LT(++num_steps, 1000);
    const SchedulerOutput output = scheduler.schedule();
    update(scheduler, output, runner.execute(output));
  }
  EXPECT_EQ(runner.num_live_requests(), 0);
  expect_scheduler_is_empty(scheduler);
}

}  // namespace
}  // namespace quire::test
