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

struct Arrival {
  int priority;
  double time;
};

Scheduler create_priority_scheduler(SchedulerOptions options = {}) {
  options.policy = SchedulingPolicy::kPriority;
  return create_scheduler(options);
}

void add(Scheduler& scheduler, const std::vector<Arrival>& arrivals, RequestOptions options = {}) {
  for (const Arrival& arrival : arrivals) {
    options.priority = arrival.priority;
    options.arrival_time = arrival.time;
    scheduler.add_request(create_request(options));
    ++options.id;
  }
}

struct OrderCase {
  std::vector<Arrival> arrivals;
  std::vector<RequestId> expected;
};
class PriorityOrderTest : public ::testing::TestWithParam<OrderCase> {};
INSTANTIATE_TEST_SUITE_P(
    Cases,
    PriorityOrderTest,
    ::testing::Values(
        OrderCase{{{2, 0}, {0, 1}, {1, 2}}, {1, 2, 0}},  // priorities
        OrderCase{{{0, 3}, {0, 1}, {0, 2}}, {1, 2, 0}},  // arrivals
        OrderCase{{{2, 1}, {1, 3}, {1, 2}, {0, 4}}, {3, 2, 1, 0}},  // both
        OrderCase{{{0, 0}, {0, 0}, {0, 0}}, {0, 1, 2}},  // ids
        OrderCase{
            {{5, 0}, {1, 1}, {8, 2}, {3, 3}, {2, 4}, {7, 5}, {4, 6}, {6, 7}},
            {1, 4, 3, 6, 0, 7, 5, 2}}
    )
);

TEST_P(PriorityOrderTest, RequestsAreAdmittedInOrder) {
  Scheduler scheduler = create_priority_scheduler();
  add(scheduler, GetParam().arrivals);
  EXPECT_EQ(ids_of(scheduler.waiting()), GetParam().expected);
  EXPECT_EQ(new_request_ids(scheduler.schedule()), GetParam().expected);
  scheduler.check_integrity();
}

TEST(PriorityTest, FewSlotsGoToTheFirstInOrder) {
  Scheduler scheduler = create_priority_scheduler({.max_num_seqs = 1});
  add(scheduler, {{3, 0}, {1, 1}, {2, 2}, {0, 3}});
  EXPECT_EQ(new_request_ids(scheduler.schedule()), std::vector<RequestId>{3});
  EXPECT_EQ(ids_of(scheduler.waiting()), (std::vector<RequestId>{1, 2, 0}));
  scheduler.check_integrity();
}

TEST(PriorityTest, FcfsDoesNotLookAtPriorities) {
  Scheduler scheduler = create_scheduler();
  add(scheduler, {{3, 2}, {1, 1}, {2, 0}});
  EXPECT_EQ(new_request_ids(scheduler.schedule()), (std::vector<RequestId>{0, 1, 2}));
}

TEST(PriorityTest, ANewRequestJoinsWhileThereIsRoom) {
  Scheduler scheduler = create_priority_scheduler();
  add(scheduler, {{5, 1}, {5, 2}}, {.id = 0});
  SchedulerOutput output = scheduler.schedule();
  update(scheduler, output, make_runner_output(scheduler, output, 100));
  add(scheduler, {{0, 3}}, {.id = 2});
  output = scheduler.schedule();
  EXPECT_EQ(num_scheduled_tokens(output), (Counts{{0, 1}, {1, 1}, {2, 10}}));
  EXPECT_THAT(output.preempted_request_ids, IsEmpty());
  EXPECT_EQ(scheduler.running().size(), 3u);
  scheduler.check_integrity();
}

TEST(PriorityTest, TheLeastImportantRunningRequestIsPreempted) {
  // 5 usable blocks. The low one fills 2, decodes into a third; the high one takes the other 2.
  Scheduler scheduler = create_priority_scheduler({.num_blocks = 6});
  add(scheduler, {{5, 1}}, {.id = 0, .num_tokens = 32});
  SchedulerOutput output = scheduler.schedule();
  update(scheduler, output, make_runner_output(scheduler, output, 100));
  add(scheduler, {{0, 2}}, {.id = 1, .num_tokens = 32});
  output = scheduler.schedule();
  EXPECT_EQ(num_scheduled_tokens(output), (Counts{{0, 1}, {1, 32}}));
  EXPECT_EQ(scheduler.kv_cache_manager().pool().num_free_blocks(), 0);
  update(scheduler, output, make_runner_output(scheduler, output, 100));

  // The low one comes first in the batch and has got its token already when the high one needs a
  // block: it is taken back.
  output = scheduler.schedule();
  EXPECT_EQ(num_scheduled_tokens(output), (Counts{{1, 1}}));
  EXPECT_EQ(output.total_num_scheduled_tokens, 1);
  EXPECT_THAT(output.preempted_request_ids, ElementsAre(0));
  EXPECT_EQ(scheduler.find_request(0)->status, RequestStatus::kPreempted);
  EXPECT_EQ(scheduler.find_request(1)->status, RequestStatus::kRunning);
  scheduler.check_integrity();
}

TEST(PriorityTest, NobodyIsSkippedWhenARequestBeforeItIsPreempted) {
  // 7 usable blocks. Each request fills 2; the low one, first in the batch, takes the last.
  Scheduler scheduler = create_priority_scheduler({.num_blocks = 8});
  add(scheduler, {{5, 0}}, {.id = 0, .num_tokens = 32});
  const SchedulerOutput first = scheduler.schedule();
  add(scheduler, {{1, 1}, {1, 2}}, {.id = 1, .num_tokens = 32});
  SchedulerOutput output = scheduler.schedule();
  ASSERT_EQ(ids_of(scheduler.running()), (std::vector<RequestId>{0, 1, 2}));
  update(scheduler, first, make_runner_output(first, {{0, {100}}}));
  update(scheduler, output, make_runner_output(output, {{1, {100}}, {2, {100}}}));

  output = scheduler.schedule();
  EXPECT_THAT(output.preempted_request_ids, ElementsAre(0));
  EXPECT_EQ(num_scheduled_tokens(output), (Counts{{1, 1}, {2, 1}}));
  scheduler.check_integrity();
}

TEST(PriorityTest, NobodyIsAdmittedInAStepThatPreempts) {
  // 3 usable blocks. The low request gives back 2, of which the middle one needs 1; the high one
  // could have the other, but not before the next step.
  Scheduler scheduler = create_priority_scheduler({.num_blocks = 4});
  add(scheduler, {{1, 0}}, {.id = 0, .num_tokens = 16});
  add(scheduler, {{5, 1}}, {.id = 1, .num_tokens = 32});
  SchedulerOutput output = scheduler.schedule();
  ASSERT_EQ(output.num_reqs(), 2);
  update(scheduler, output, make_runner_output(scheduler, output, 100));
  add(scheduler, {{0, 2}}, {.id = 2, .num_tokens = 4});
  output = scheduler.schedule();
  EXPECT_THAT(output.preempted_request_ids, ElementsAre(1));
  EXPECT_EQ(num_scheduled_tokens(output), (Counts{{0, 1}}));
  EXPECT_EQ(scheduler.kv_cache_manager().pool().num_free_blocks(), 1);
  update(scheduler, output, make_runner_output(scheduler, output, 100));
  EXPECT_EQ(num_scheduled_tokens(scheduler.schedule()), (Counts{{0, 1}, {2, 4}}));
  scheduler.check_integrity();
}

TEST(PriorityTest, TheLatestArrivalIsTheVictimAmongEquals) {
  // 6 usable blocks, three requests of two, the first that needs a third takes it from the latest.
  Scheduler scheduler = create_priority_scheduler({.num_blocks = 7});
  add(scheduler, {{1, 1.0}, {1, 3.0}, {1, 2.0}}, {.num_tokens = 32});
  SchedulerOutput output = scheduler.schedule();
  EXPECT_EQ(new_request_ids(output), (std::vector<RequestId>{0, 2, 1}));
  update(scheduler, output, make_runner_output(scheduler, output, 100));
  output = scheduler.schedule();
  EXPECT_THAT(output.preempted_request_ids, ElementsAre(1));
  EXPECT_EQ(num_scheduled_tokens(output), (Counts{{0, 1}, {2, 1}}));
  scheduler.check_integrity();
}

TEST(PriorityTest, TheLeastImportantGoesEvenIfItWasAdmittedFirst) {
  Scheduler scheduler = create_priority_scheduler({.num_blocks = 7});
  for (RequestId id = 0; id < 3; ++id) {
    const int priority = id == 0 ? 9 : 1;
    add(scheduler, {{priority, static_cast<double>(id)}}, {.id = id, .num_tokens = 32});
    // One at a time, so that the order of admission is 0, 1, 2.
    const SchedulerOutput output = scheduler.schedule();
    ASSERT_EQ(new_request_ids(output), std::vector<RequestId>{id});
    if (id == 2) update(scheduler, output, make_runner_output(output, {{2, {100}}}));
  }
  // Only 2 has its token, so 0 and 1 have nothing to do and 2 needs a block.
  const SchedulerOutput output = scheduler.schedule();
  EXPECT_EQ(num_scheduled_tokens(output), (Counts{{2, 1}}));
  EXPECT_THAT(output.preempted_request_ids, ElementsAre(0));
  EXPECT_EQ(ids_of(scheduler.running()), (std::vector<RequestId>{1, 2}));
  scheduler.check_integrity();
}

TEST(PriorityTest, APreemptedRequestResumesWithItsOutput) {
  // 4 usable blocks.
  const SchedulerOptions options{.policy = SchedulingPolicy::kPriority, .num_blocks = 5};
  Scheduler scheduler = create_scheduler(options);
  FakeRunner runner(make_kv_cache_config(options));
  const auto step = [&] {
    const SchedulerOutput output = scheduler.schedule();
    update(scheduler, output, runner.execute(output));
    return output;
  };
  scheduler.add_request(create_request({.id = 0, .num_tokens = 30, .priority = 1}));
  step();
  scheduler.add_request(
      create_request({.id = 1, .num_tokens = 32, .max_tokens = 2, .priority = 0, .arrival_time = 1})
  );
  EXPECT_EQ(num_scheduled_tokens(step()), (Counts{{0, 1}, {1, 32}}));
  // The high one needs a third block and takes it from the low one, which has 2 output tokens.
  SchedulerOutput output = step();
  EXPECT_THAT(output.preempted_request_ids, ElementsAre(0));
  EXPECT_EQ(num_scheduled_tokens(output), (Counts{{1, 1}}));

  output = step();
  ASSERT_EQ(new_request_ids(output), std::vector<RequestId>{0});
  EXPECT_EQ(output.new_requests[0].token_ids.size(), 32u);
  EXPECT_EQ(output.new_requests[0].num_prompt_tokens, 30);
  EXPECT_EQ(num_scheduled_tokens(output), (Counts{{0, 32}}));
  EXPECT_THAT(output.finished_request_ids, ElementsAre(1));
  EXPECT_EQ(
      output_of(*scheduler.find_request(0)),
      FakeRunner::continuation(std::vector<int32_t>(30, 0), 3)
  );
  scheduler.check_integrity();
}

TEST(PriorityTest, WhatWasCachedForATakenBackShareIsNotFound) {
  // 7 usable blocks, chunks of 32 tokens.
  const SchedulerOptions options{
      .max_num_batched_tokens = 100,
      .max_model_len = 200,
      .long_prefill_token_threshold = 32,
      .policy = SchedulingPolicy::kPriority,
      .enable_prefix_caching = true,
      .num_blocks = 8,
  };
  Scheduler scheduler = create_scheduler(options);
  FakeRunner runner(make_kv_cache_config(options));
  const auto step = [&] {
    const SchedulerOutput output = scheduler.schedule();
    update(scheduler, output, runner.execute(output));
    return output;
  };
  scheduler.add_request(create_request({.id = 0, .prompt = token_range(100, 96), .priority = 5}));
  EXPECT_EQ(num_scheduled_tokens(step()), (Counts{{0, 32}}));
  scheduler.add_request(create_request({.id = 1, .num_tokens = 16, .max_tokens = 2}));
  EXPECT_EQ(num_scheduled_tokens(step()), (Counts{{0, 32}, {1, 16}}));
  // The low one gets its third chunk and with it the last 2 blocks, which are cached ahead. Then
  // the high one needs a block, and the chunk will not be computed.
  const SchedulerOutput output = step();
  EXPECT_THAT(output.preempted_request_ids, ElementsAre(0));
  EXPECT_EQ(num_scheduled_tokens(output), (Counts{{1, 1}}));
  // It comes back behind its first two chunks. The runner would see a block that was never written.
  EXPECT_EQ(step().requests.at(0).num_computed_tokens, 64);
  scheduler.check_integrity();
}

}  // namespace
}  // namespace quire::test
