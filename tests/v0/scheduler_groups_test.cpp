// Sequence groups: the completions of one prompt share its blocks and copy what they write.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "v0/v0_harness.h"

namespace quire::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Counts = std::map<RequestId, int>;

TEST(V0GroupTest, ThePromptIsComputedOnceAndForked) {
  v0::Scheduler scheduler = create_v0();
  add(scheduler, {.id = 0, .num_tokens = 6}, 3);
  const V0Step step = run_step(scheduler);
  EXPECT_EQ(step.output.total_num_scheduled_tokens, 6);
  EXPECT_EQ(num_scheduled_tokens(step.output), (Counts{{0, 6}, {1, 0}, {2, 0}}));
  EXPECT_EQ(step.output.requests[0].fork_of, std::nullopt);
  const auto table = step.output.new_blocks(0, 0);
  for (int r : {1, 2}) {
    EXPECT_EQ(step.output.requests[r].fork_of, 0);
    EXPECT_EQ(step.output.requests[r].num_computed_tokens, 6);
    EXPECT_TRUE(std::ranges::equal(step.output.new_blocks(r, 0), table));
  }
  EXPECT_THAT(step.outputs.outputs, SizeIs(3));  // each has its first token
  EXPECT_EQ(scheduler.stats().num_used_blocks, 2);
}

TEST(V0GroupTest, TheSharedBlockIsCopiedByAllButTheLastThatWrite) {
  v0::Scheduler scheduler = create_v0();
  add(scheduler, {.id = 0, .num_tokens = 6}, 3);
  const V0Step prompt = run_step(scheduler);
  const int shared = prompt.output.new_blocks(0, 0)[1];
  const V0Step step = run_step(scheduler);
  ASSERT_THAT(step.output.block_copies, SizeIs(2));
  ASSERT_THAT(step.output.block_replacements, SizeIs(2));
  for (int i : {0, 1}) {
    EXPECT_EQ(step.output.block_copies[i].source, shared);
    const BlockReplacement& replacement = step.output.block_replacements[i];
    EXPECT_EQ(replacement.req_idx, i);
    EXPECT_EQ(replacement.table_idx, 1);
    EXPECT_EQ(replacement.block_id, step.output.block_copies[i].target);
  }
  EXPECT_EQ(scheduler.stats().num_used_blocks, 4);
  const V0Step next = run_step(scheduler);
  EXPECT_THAT(next.output.block_copies, IsEmpty());
  EXPECT_THAT(next.output.block_replacements, IsEmpty());
}

TEST(V0GroupTest, AGroupWaitsForAllItsCompletions) {
  v0::Scheduler scheduler = create_v0();
  std::vector<std::unique_ptr<Request>> requests = create_completions(2, {.num_tokens = 4});
  scheduler.add_request(std::move(requests[0]));
  EXPECT_FALSE(scheduler.has_work());
  EXPECT_TRUE(scheduler.has_unfinished_requests());
  EXPECT_EQ(scheduler.stats().num_waiting_reqs, 1);
  scheduler.add_request(std::move(requests[1]));
  EXPECT_TRUE(scheduler.has_work());
  EXPECT_EQ(num_scheduled_tokens(run_step(scheduler).output), (Counts{{0, 4}, {1, 0}}));
}

TEST(V0GroupTest, AbortedCompletionsLeaveTheOthersAlone) {
  v0::Scheduler scheduler = create_v0();
  add(scheduler, {.id = 0, .num_tokens = 6}, 3);
  abort(scheduler, 0);
  EXPECT_EQ(num_scheduled_tokens(run_step(scheduler).output), (Counts{{1, 6}, {2, 0}}));
  abort(scheduler, 1);
  const V0Step step = run_step(scheduler);
  EXPECT_THAT(step.output.finished_request_ids, ElementsAre(1));
  EXPECT_EQ(num_scheduled_tokens(step.output), (Counts{{2, 1}}));
  EXPECT_THAT(step.output.block_copies, IsEmpty());  // nobody shares any more
}

TEST(V0GroupTest, EveryCompletionCountsAsASequence) {
  v0::Scheduler scheduler = create_v0({.max_num_seqs = 3});
  add(scheduler, {.id = 0, .num_tokens = 4}, 2);
  add(scheduler, {.id = 2, .num_tokens = 4}, 2);
  EXPECT_EQ(num_scheduled_tokens(run_step(scheduler).output), (Counts{{0, 4}, {1, 0}}));
  abort(scheduler, 1);
  EXPECT_EQ(num_scheduled_tokens(run_step(scheduler).output), (Counts{{2, 4}, {3, 0}}));
}

TEST(V0GroupTest, MoreCompletionsThanSequencesAreRefused) {
  v0::Scheduler scheduler = create_v0({.max_num_seqs = 2});
  add(scheduler, {.id = 0, .num_tokens = 4}, 3);
  const V0Step step = run_step(scheduler);
  EXPECT_THAT(step.outputs.outputs, SizeIs(3));
  for (const EngineCoreOutput& told : step.outputs.outputs) {
    EXPECT_EQ(told.finish_reason, FinishReason::kError);
    EXPECT_THAT(told.error, ::testing::HasSubstr("n=3"));
    EXPECT_THAT(told.error, ::testing::HasSubstr("max_num_seqs is 2"));
  }
}

TEST(V0GroupTest, RecomputedCompletionsGoOnOneByOne) {
  v0::Scheduler scheduler =
      create_v0({.preemption_mode = PreemptionMode::kRecompute, .num_blocks = 4});
  add(scheduler, {.id = 0, .num_tokens = 4});
  add(scheduler, {.id = 1, .num_tokens = 8}, 2);
  run_step(scheduler);  // 3 of 4 blocks
  const V0Step step = run_step(scheduler);
  EXPECT_EQ(num_scheduled_tokens(step.output), (Counts{{0, 1}}));
  EXPECT_THAT(step.output.preempted_request_ids, ElementsAre(1, 2));
  EXPECT_EQ(ids_of(scheduler.waiting()), (std::vector<RequestId>{1, 2}));
  EXPECT_THAT(scheduler.waiting(), SizeIs(2));
  abort(scheduler, 0);
  EXPECT_EQ(num_scheduled_tokens(run_step(scheduler).output), (Counts{{1, 9}}));
}

TEST(V0GroupTest, ResettingTheCacheStartsRunningRequestsAnewInOrder) {
  v0::Scheduler scheduler = create_v0({.enable_prefix_caching = true});
  add(scheduler, {.id = 0, .num_tokens = 8});
  add(scheduler, {.id = 1, .num_tokens = 8}, 2);
  run_step(scheduler);
  EXPECT_FALSE(scheduler.reset_prefix_cache(false));
  EXPECT_TRUE(scheduler.reset_prefix_cache(true));
  EXPECT_EQ(ids_of(scheduler.waiting()), (std::vector<RequestId>{0, 1, 2}));
  EXPECT_EQ(scheduler.stats().num_used_blocks, 0);
  const V0Step step = run_step(scheduler);
  EXPECT_THAT(step.output.preempted_request_ids, SizeIs(3));
  EXPECT_EQ(num_scheduled_tokens(step.output), (Counts{{0, 9}, {1, 9}, {2, 9}}));
}

}  // namespace
}  // namespace quire::test
