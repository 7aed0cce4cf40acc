// Who waits for what: requests that are not ready, limits on half computed prompts, pauses.
#include <array>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/scheduler.h"
#include "support/scheduler_factory.h"

namespace quire::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Counts = std::map<RequestId, int>;

SchedulerOutput step(Scheduler& scheduler) {
  const SchedulerOutput output = scheduler.schedule();
  update(scheduler, output, make_runner_output(scheduler, output, 7));
  scheduler.check_integrity();
  return output;
}

TEST(NotReadyTest, ARequestWaitsAsideUntilItIsReady) {
  Scheduler scheduler = create_scheduler();
  scheduler.add_request(create_request({.id = 0, .is_ready = false}));
  EXPECT_THAT(scheduler.waiting(), IsEmpty());
  EXPECT_EQ(ids_of(scheduler.skipped_waiting()), std::vector<RequestId>{0});
  EXPECT_FALSE(scheduler.has_work()) << "only others can bring what it waits for";
  EXPECT_TRUE(scheduler.has_unfinished_requests());
  EXPECT_EQ(step(scheduler).num_reqs(), 0);
  EXPECT_EQ(scheduler.skipped_waiting().size(), 1u);

  scheduler.set_ready(0);
  EXPECT_TRUE(scheduler.has_work());
  EXPECT_EQ(num_scheduled_tokens(step(scheduler)), (Counts{{0, 10}}));
  EXPECT_THAT(scheduler.skipped_waiting(), IsEmpty());
}

TEST(NotReadyTest, OthersPassOneThatIsNotReady) {
  Scheduler scheduler = create_scheduler({.max_num_seqs = 2});
  for (RequestId id = 0; id < 4; ++id)
    scheduler.add_request(create_request({.id = id, .max_tokens = 1, .is_ready = id != 0}));
  EXPECT_EQ(new_request_ids(step(scheduler)), (std::vector<RequestId>{1, 2}));
  scheduler.set_ready(0);
  EXPECT_EQ(new_request_ids(step(scheduler)), (std::vector<RequestId>{0, 3})) << "it came before 3";
}

TEST(NotReadyTest, ThoseThatAreNotReadyKeepTheirOrder) {
  Scheduler scheduler = create_scheduler({.max_num_seqs = 3});
  for (RequestId id = 0; id < 6; ++id)
    scheduler.add_request(create_request({.id = id, .max_tokens = 1, .is_ready = false}));
  for (const RequestId id : {4, 1, 3})
    scheduler.set_ready(id);
  EXPECT_EQ(new_request_ids(step(scheduler)), (std::vector<RequestId>{1, 3, 4}));
  EXPECT_EQ(ids_of(scheduler.skipped_waiting()), (std::vector<RequestId>{0, 2, 5}));
  for (const RequestId id : {5, 2, 0})
    scheduler.set_ready(id);
  EXPECT_EQ(new_request_ids(step(scheduler)), (std::vector<RequestId>{0, 2, 5}));
}

TEST(NotReadyTest, PrioritiesHoldAcrossBothQueues) {
  Scheduler scheduler =
      create_scheduler({.max_num_seqs = 1, .policy = SchedulingPolicy::kPriority});
  scheduler.add_request(create_request({.id = 0, .max_tokens = 1, .priority = 2}));
  scheduler.add_request(create_request({.id = 1, .max_tokens = 1, .priority = 1, .is_ready = false})
  );
  scheduler.add_request(create_request({.id = 2, .max_tokens = 1, .priority = 0}));
  scheduler.set_ready(1);
  for (const RequestId expected : {2, 1, 0})
    EXPECT_EQ(new_request_ids(step(scheduler)), std::vector<RequestId>{expected});
}

TEST(NotReadyTest, APreemptedRequestComesAfterOneThatWasPutAside) {
  // Each of the two fills a block and needs a second one; there are 3.
  Scheduler scheduler = create_scheduler({.num_blocks = 4});
  add_requests(scheduler, 2, {.num_tokens = 16});
  scheduler.add_request(create_request({.id = 9, .num_tokens = 4, .is_ready = false}));
  step(scheduler);
  EXPECT_THAT(step(scheduler).preempted_request_ids, ElementsAre(1));
  scheduler.set_ready(9);
  EXPECT_EQ(new_request_ids(step(scheduler)), std::vector<RequestId>{9});
}

TEST(NotReadyTest, OneThatIsNotReadyCanBeAborted) {
  Scheduler scheduler = create_scheduler();
  scheduler.add_request(create_request({.id = 4, .is_ready = false}));
  EXPECT_EQ(scheduler.unfinished_request_ids(), std::vector<RequestId>{4});
  const std::array<RequestId, 1> ids{4};
  EXPECT_THAT(scheduler.finish_requests(ids, RequestStatus::kFinishedAborted), ElementsAre(4));
  scheduler.set_ready(4);
  expect_scheduler_is_empty(scheduler);
}

TEST(NotReadyTest, StatisticsTellBothQueues) {
  Scheduler scheduler = create_scheduler({.max_num_batched_tokens = 100, .max_model_len = 1000});
  for (RequestId id = 0; id < 5; ++id)
    scheduler.add_request(create_request({.id = id, .num_tokens = 50, .is_ready = id < 3}));
  EXPECT_EQ(scheduler.schedule().num_reqs(), 2);
  const SchedulerStats stats = scheduler.stats();
  EXPECT_EQ(stats.num_running_reqs, 2);
  EXPECT_EQ(stats.num_waiting_reqs, 1);
  EXPECT_EQ(stats.num_skipped_waiting_reqs, 2);
}

// Budget 100, chunks of at most 20 tokens; a long prompt has more than 20.
SchedulerOptions partial_prefill_options(int max_num, int max_long) {
  return {
      .max_num_batched_tokens = 100,
      .max_model_len = 1000,
      .long_prefill_token_threshold = 20,
      .max_num_partial_prefills = max_num,
      .max_long_partial_prefills = max_long,
  };
}

TEST(PartialPrefillTest, OneMeansNoLimit) {
  Scheduler scheduler = create_scheduler(partial_prefill_options(1, 1));
  add_requests(scheduler, 4, {.num_tokens = 50});
  EXPECT_EQ(num_scheduled_tokens(step(scheduler)), (Counts{{0, 20}, {1, 20}, {2, 20}, {3, 20}}));
}

TEST(PartialPrefillTest, NoMorePromptsAreHalfComputedThanAllowed) {
  Scheduler scheduler = create_scheduler(partial_prefill_options(2, 2));
  add_requests(scheduler, 3, {.num_tokens = 50, .max_tokens = 1});
  EXPECT_EQ(num_scheduled_tokens(step(scheduler)), (Counts{{0, 20}, {1, 20}}));
  EXPECT_EQ(num_scheduled_tokens(step(scheduler)), (Counts{{0, 20}, {1, 20}}));
  EXPECT_EQ(num_scheduled_tokens(step(scheduler)), (Counts{{0, 10}, {1, 10}, {2, 20}}));
}

TEST(PartialPrefillTest, ShortPromptsPassLongOnes) {
  Scheduler scheduler = create_scheduler(partial_prefill_options(3, 1));
  scheduler.add_request(create_request({.id = 0, .num_tokens = 50}));
  scheduler.add_request(create_request({.id = 1, .num_tokens = 50}));
  scheduler.add_request(create_request({.id = 2, .num_tokens = 15}));
  EXPECT_EQ(num_scheduled_tokens(step(scheduler)), (Counts{{0, 20}, {2, 15}}));
  EXPECT_EQ(ids_of(scheduler.waiting()), std::vector<RequestId>{1});
  step(scheduler);
  EXPECT_EQ(num_scheduled_tokens(step(scheduler)), (Counts{{0, 10}, {1, 20}, {2, 1}}));
}

TEST(ScheduledTokensTest, FewerThanTheBudgetMayBeHandedOut) {
  Scheduler scheduler = create_scheduler(
      {.max_num_batched_tokens = 100, .max_num_scheduled_tokens = 60, .max_model_len = 1000}
  );
  add_requests(scheduler, 2, {.num_tokens = 50});
  SchedulerOutput output = step(scheduler);
  EXPECT_EQ(num_scheduled_tokens(output), (Counts{{0, 50}, {1, 10}}));
  EXPECT_EQ(output.total_num_scheduled_tokens, 60);
  EXPECT_EQ(num_scheduled_tokens(step(scheduler)), (Counts{{0, 1}, {1, 40}}));
}

TEST(PauseTest, WithNewOnesPausedTheRunningGoOn) {
  Scheduler scheduler = create_scheduler();
  scheduler.add_request(create_request({.id = 0, .max_tokens = 2}));
  step(scheduler);
  scheduler.set_pause_state(PauseState::kPausedNew);
  scheduler.add_request(create_request({.id = 1}));
  EXPECT_TRUE(scheduler.has_work());
  EXPECT_EQ(num_scheduled_tokens(step(scheduler)), (Counts{{0, 1}}));
  EXPECT_EQ(step(scheduler).num_reqs(), 0);
  EXPECT_FALSE(scheduler.has_work());
  EXPECT_TRUE(scheduler.has_unfinished_requests());
  scheduler.set_pause_state(PauseState::kUnpaused);
  EXPECT_EQ(num_scheduled_tokens(step(scheduler)), (Counts{{1, 10}}));
}

TEST(PauseTest, WithAllPausedNothingRunsAndNothingIsLost) {
  Scheduler scheduler = create_scheduler();
  scheduler.add_request(create_request({.id = 0}));
  step(scheduler);
  scheduler.set_pause_state(PauseState::kPausedAll);
  scheduler.add_request(create_request({.id = 1}));
  EXPECT_FALSE(scheduler.has_work());
  const SchedulerOutput output = step(scheduler);
  EXPECT_EQ(output.num_reqs(), 0);
  EXPECT_EQ(output.total_num_scheduled_tokens, 0);
  scheduler.set_pause_state(PauseState::kUnpaused);
  EXPECT_EQ(num_scheduled_tokens(step(scheduler)), (Counts{{0, 1}, {1, 10}}));
}

TEST(PauseTest, APausedSchedulerStillTellsWhatFinished) {
  Scheduler scheduler = create_scheduler();
  scheduler.add_request(create_request({.id = 0}));
  step(scheduler);
  scheduler.set_pause_state(PauseState::kPausedAll);
  const std::array<RequestId, 1> ids{0};
  EXPECT_THAT(scheduler.finish_requests(ids, RequestStatus::kFinishedAborted), ElementsAre(0));
  EXPECT_TRUE(scheduler.has_work());
  EXPECT_THAT(step(scheduler).finished_request_ids, ElementsAre(0));
  EXPECT_FALSE(scheduler.has_work());
  expect_scheduler_is_empty(scheduler);
}

}  // namespace
}  // namespace quire::test
