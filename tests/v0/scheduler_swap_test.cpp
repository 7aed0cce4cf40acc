// Preemption by swap: blocks move to the host and back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "v0/v0_harness.h"

namespace quire::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Counts = std::map<RequestId, int>;

// Two requests of one block each fill the cache; each needs a second block at the same time.
V0Options full_cache(int num_host_blocks = 8) {
  return {
      .preemption_mode = PreemptionMode::kSwap,
      .num_blocks = 2,
      .num_host_blocks = num_host_blocks};
}

TEST(V0SwapTest, ASwappedRequestComesBackWhereItWas) {
  v0::Scheduler scheduler = create_v0(full_cache());
  add(scheduler, {.id = 0, .num_tokens = 4, .max_tokens = 3});
  add(scheduler, {.id = 1, .num_tokens = 4, .max_tokens = 3});
  const V0Step prompts = run_step(scheduler);
  const int block_of_1 = prompts.output.new_blocks(1, 0)[0];

  const V0Step out = run_step(scheduler);
  EXPECT_EQ(num_scheduled_tokens(out.output), (Counts{{0, 1}}));
  EXPECT_THAT(out.output.preempted_request_ids, ElementsAre(1));
  ASSERT_THAT(out.output.block_copies, SizeIs(1));
  const BlockCopy to_host = out.output.block_copies[0];
  EXPECT_EQ(to_host.source, block_of_1);
  EXPECT_EQ(to_host.source_space, BlockSpace::kDevice);
  EXPECT_EQ(to_host.target_space, BlockSpace::kHost);
  EXPECT_EQ(ids_of(scheduler.swapped()), std::vector<RequestId>{1});
  const SchedulerStats stats = scheduler.stats();
  EXPECT_EQ(stats.num_swapped_reqs, 1);
  EXPECT_EQ(stats.num_running_reqs, 1);
  EXPECT_EQ(stats.num_waiting_reqs, 0);
  EXPECT_DOUBLE_EQ(stats.host_cache_usage, 1.0 / 8);

  const V0Step last = run_step(scheduler);  // request 0 ends
  EXPECT_EQ(last.outputs.outputs.at(0).finish_reason, FinishReason::kLength);
  const V0Step in = run_step(scheduler);
  EXPECT_EQ(num_scheduled_tokens(in.output), (Counts{{1, 1}}));
  EXPECT_EQ(new_request_ids(in.output), std::vector<RequestId>{1});
  EXPECT_EQ(in.output.requests[0].num_computed_tokens, 4);
  EXPECT_EQ(in.output.new_blocks(0, 0).size(), 2u);
  ASSERT_THAT(in.output.block_copies, SizeIs(1));
  EXPECT_EQ(in.output.block_copies[0].source, to_host.target);
  EXPECT_EQ(in.output.block_copies[0].source_space, BlockSpace::kHost);
  EXPECT_EQ(in.output.block_copies[0].target, in.output.new_blocks(0, 0)[0]);
  EXPECT_EQ(scheduler.stats().host_cache_usage, 0.0);
}

TEST(V0SwapTest, NoPromptIsAdmittedWhileOthersAreSwapped) {
  v0::Scheduler scheduler = create_v0(full_cache());
  add(scheduler, {.id = 0, .num_tokens = 4, .max_tokens = 4});
  add(scheduler, {.id = 1, .num_tokens = 4});
  run_step(scheduler);
  run_step(scheduler);
  ASSERT_EQ(ids_of(scheduler.swapped()), std::vector<RequestId>{1});
  abort(scheduler, 0);
  add(scheduler, {.id = 2, .num_tokens = 4});
  EXPECT_EQ(num_scheduled_tokens(run_step(scheduler).output), (Counts{{1, 1}}));
  EXPECT_EQ(ids_of(scheduler.waiting()), std::vector<RequestId>{2});
}

TEST(V0SwapTest, NobodyIsSwappedInInAStepThatPreempts) {
  V0Options options = full_cache();
  options.num_blocks = 4;
  v0::Scheduler scheduler = create_v0(options);
  for (RequestId id = 0; id < 4; ++id)
    add(scheduler, {.id = id, .num_tokens = 4});
  run_step(scheduler);
  // 0 and 1 take the blocks of 3 and 2.
  const V0Step step = run_step(scheduler);
  EXPECT_EQ(num_scheduled_tokens(step.output), (Counts{{0, 1}, {1, 1}}));
  EXPECT_EQ(ids_of(scheduler.swapped()), (std::vector<RequestId>{3, 2}));
  for (const BlockCopy& copy : step.output.block_copies)
    EXPECT_EQ(copy.target_space, BlockSpace::kHost);
}

TEST(V0SwapTest, WithoutSwapSpaceTheRequestFailsAlone) {
  v0::Scheduler scheduler = create_v0(full_cache(/*num_host_blocks=*/0));
  add(scheduler, {.id = 0, .num_tokens = 4});
  add(scheduler, {.id = 1, .num_tokens = 4});
  run_step(scheduler);
  const V0Step step = run_step(scheduler);
  EXPECT_EQ(num_scheduled_tokens(step.output), (Counts{{0, 1}}));
  EXPECT_THAT(step.output.finished_request_ids, ElementsAre(1));
  EXPECT_THAT(step.output.block_copies, IsEmpty());
  const EngineCoreOutput* failed = find_output(step.outputs, 1);
  ASSERT_NE(failed, nullptr);
  EXPECT_EQ(failed->finish_reason, FinishReason::kError);
  EXPECT_EQ(
      failed->error,
      "Aborted due to the lack of CPU swap space. Please increase the swap space to avoid this "
      "error."
  );
  EXPECT_EQ(num_scheduled_tokens(run_step(scheduler).output), (Counts{{0, 1}}));
}

TEST(V0SwapTest, AnAbortedRequestGivesItsSwapSpaceBack) {
  v0::Scheduler scheduler = create_v0(full_cache());
  add(scheduler, {.id = 0, .num_tokens = 4});
  add(scheduler, {.id = 1, .num_tokens = 4});
  run_step(scheduler);
  run_step(scheduler);
  ASSERT_EQ(ids_of(scheduler.swapped()), std::vector<RequestId>{1});
  abort(scheduler, 1);
  EXPECT_THAT(scheduler.swapped(), IsEmpty());
  EXPECT_EQ(scheduler.stats().host_cache_usage, 0.0);
  // Its slot went with the preemption.
  EXPECT_THAT(run_step(scheduler).output.finished_request_ids, IsEmpty());
}

TEST(V0SwapTest, AResetOfTheCacheWaitsForWhatLiesOnTheHost) {
  v0::Scheduler scheduler = create_v0(full_cache());
  add(scheduler, {.id = 0, .num_tokens = 4});
  add(scheduler, {.id = 1, .num_tokens = 4});
  run_step(scheduler);
  run_step(scheduler);
  ASSERT_EQ(ids_of(scheduler.swapped()), std::vector<RequestId>{1});
  abort(scheduler, 0);
  EXPECT_FALSE(scheduler.reset_prefix_cache(/*reset_running_requests=*/false));
  EXPECT_EQ(ids_of(scheduler.swapped()), std::vector<RequestId>{1});
}

TEST(V0SwapTest, AResetOfRunningRequestsComputesSwappedOnesAnewToo) {
  V0Options options = full_cache();
  options.num_blocks = 4;
  v0::Scheduler scheduler = create_v0(options);
  for (RequestId id = 0; id < 4; ++id)
    add(scheduler, {.id = id, .num_tokens = 4, .max_tokens = 3});
  run_step(scheduler);
  run_step(scheduler);
  ASSERT_EQ(ids_of(scheduler.swapped()), (std::vector<RequestId>{3, 2}));
  EXPECT_TRUE(scheduler.reset_prefix_cache(/*reset_running_requests=*/true));
  scheduler.check_integrity();
  EXPECT_THAT(scheduler.swapped(), IsEmpty());
  EXPECT_EQ(ids_of(scheduler.waiting()), (std::vector<RequestId>{0, 1, 3, 2}));
  const SchedulerStats stats = scheduler.stats();
  EXPECT_EQ(stats.host_cache_usage, 0.0);
  EXPECT_EQ(stats.num_preemptions, 4) << "each once: a swapped one was preempted already";

  bool is_recomputed = false;
  for (int step = 0; step < 10 && scheduler.has_work(); ++step) {
    const V0Step result = run_step(scheduler);
    for (const BlockCopy& copy : result.output.block_copies)
      EXPECT_EQ(copy.source_space, BlockSpace::kDevice) << "outdated blocks come back";
    for (const ScheduledRequest& scheduled : result.output.requests) {
      if (scheduled.request_id != 3 || !scheduled.new_request_idx || is_recomputed) continue;
      EXPECT_EQ(scheduled.num_computed_tokens, 0);
      EXPECT_EQ(scheduled.num_scheduled_tokens, 5);
      is_recomputed = true;
    }
  }
  EXPECT_TRUE(is_recomputed);
  EXPECT_FALSE(scheduler.has_unfinished_requests());
}

TEST(V0SwapTest, ASwappedRequestThatHasOutgrownTheCacheEndsWithWhatItHas) {
  v0::Scheduler scheduler = create_v0(full_cache());
  add(scheduler, {.id = 0, .num_tokens = 8});
  run_step(scheduler);
  const V0Step out = run_step(scheduler);
  EXPECT_THAT(out.output.block_copies, SizeIs(2));
  EXPECT_EQ(out.output.num_reqs(), 0);
  const V0Step last = run_step(scheduler);
  EXPECT_EQ(last.outputs.outputs.at(0).finish_reason, FinishReason::kLength);
  EXPECT_FALSE(scheduler.has_unfinished_requests());
  EXPECT_EQ(scheduler.stats().host_cache_usage, 0.0);
}

TEST(V0SwapTest, ByDefaultOnlyGroupsOfSeveralSequencesAreSwapped) {
  V0Options options = full_cache();
  options.preemption_mode = PreemptionMode::kAuto;
  options.num_blocks = 3;
  v0::Scheduler scheduler = create_v0(options);
  add(scheduler, {.id = 0, .num_tokens = 4});
  add(scheduler, {.id = 1, .num_tokens = 4}, 2);
  add(scheduler, {.id = 3, .num_tokens = 4});
  EXPECT_THAT(run_step(scheduler).output.requests, SizeIs(4));
  const V0Step step = run_step(scheduler);
  EXPECT_EQ(num_scheduled_tokens(step.output), (Counts{{0, 1}}));
  EXPECT_EQ(ids_of(scheduler.waiting()), std::vector<RequestId>{3});  // recomputed
  EXPECT_EQ(ids_of(scheduler.swapped()), (std::vector<RequestId>{1, 2}));
  EXPECT_THAT(step.output.block_copies, SizeIs(1));  // the block that both share
}

TEST(V0SwapTest, ChunkedPrefillsSwapToo) {
  V0Options options = full_cache();
  options.enable_chunked_prefill = true;
  v0::Scheduler scheduler = create_v0(options);
  add(scheduler, {.id = 0, .num_tokens = 4, .max_tokens = 3});
  add(scheduler, {.id = 1, .num_tokens = 4});
  run_step(scheduler);
  run_step(scheduler);
  EXPECT_EQ(ids_of(scheduler.swapped()), std::vector<RequestId>{1});
  run_step(scheduler);
  EXPECT_EQ(num_scheduled_tokens(run_step(scheduler).output), (Counts{{1, 1}}));
}

}  // namespace
}  // namespace quire::test
