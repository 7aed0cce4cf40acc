// V0 with chunked prefill: decodes first, then prompts in pieces.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "v0/v0_harness.h"

namespace quire::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Counts = std::map<RequestId, int>;

V0Options chunked() {
  V0Options options;
  options.max_model_len = 80;
  options.enable_chunked_prefill = true;
  return options;
}

TEST(V0ChunkedPrefillTest, TheBudgetIsFilledWithAPieceOfTheNextPrompt) {
  v0::Scheduler scheduler = create_v0(chunked());
  add(scheduler, {.id = 0, .num_tokens = 60});
  add(scheduler, {.id = 1, .num_tokens = 60});
  EXPECT_EQ(num_scheduled_tokens(run_step(scheduler).output), (Counts{{0, 60}, {1, 4}}));
  const V0Step mixed = run_step(scheduler);
  EXPECT_EQ(num_scheduled_tokens(mixed.output), (Counts{{0, 1}, {1, 56}}));
  EXPECT_EQ(mixed.output.total_num_scheduled_tokens, 57);
  // Prompts stand before decodes.
  EXPECT_EQ(mixed.output.requests.at(0).request_id, 1u);
  EXPECT_EQ(num_scheduled_tokens(run_step(scheduler).output), (Counts{{0, 1}, {1, 1}}));
}

TEST(V0ChunkedPrefillTest, TwoPartialPrefillsShareTheBudgetEqually) {
  V0Options options = chunked();
  options.max_num_partial_prefills = 2;
  options.max_long_partial_prefills = 2;
  options.long_prefill_token_threshold = 10;
  v0::Scheduler scheduler = create_v0(options);
  add(scheduler, {.id = 0, .num_tokens = 60});
  add(scheduler, {.id = 1, .num_tokens = 60});
  EXPECT_EQ(num_scheduled_tokens(run_step(scheduler).output), (Counts{{0, 32}, {1, 32}}));
  EXPECT_EQ(num_scheduled_tokens(run_step(scheduler).output), (Counts{{0, 28}, {1, 28}}));
  EXPECT_EQ(num_scheduled_tokens(run_step(scheduler).output), (Counts{{0, 1}, {1, 1}}));
}

TEST(V0ChunkedPrefillTest, OnlyOneLongPromptHasASlot) {
  V0Options options = chunked();
  options.max_model_len = 2000;
  options.num_blocks = 1000;
  options.max_num_partial_prefills = 2;
  options.long_prefill_token_threshold = 400;
  v0::Scheduler scheduler = create_v0(options);
  add(scheduler, {.id = 0, .num_tokens = 1200});
  add(scheduler, {.id = 1, .num_tokens = 1200});
  // No slot is kept for the second one, so the first has the whole budget.
  EXPECT_EQ(num_scheduled_tokens(run_step(scheduler).output), (Counts{{0, 64}}));
  EXPECT_EQ(ids_of(scheduler.waiting()), std::vector<RequestId>{1});
}

TEST(V0ChunkedPrefillTest, ShortPromptsPassLongOnes) {
  V0Options options = chunked();
  options.max_model_len = 2000;
  options.num_blocks = 1000;
  options.max_num_partial_prefills = 2;
  options.long_prefill_token_threshold = 40;
  v0::Scheduler scheduler = create_v0(options);
  add(scheduler, {.id = 0, .num_tokens = 1200});
  add(scheduler, {.id = 1, .num_tokens = 1200});
  add(scheduler, {.id = 2, .num_tokens = 20});
  EXPECT_EQ(num_scheduled_tokens(run_step(scheduler).output), (Counts{{0, 32}, {2, 20}}));
  EXPECT_EQ(ids_of(scheduler.waiting()), std::vector<RequestId>{1});
}

TEST(V0ChunkedPrefillTest, ShortPromptsArriveWhileLongOnesRun) {
  V0Options options = chunked();
  options.max_num_seqs = 3;
  options.max_model_len = 64;
  v0::Scheduler scheduler = create_v0(options);
  add(scheduler, {.id = 0, .num_tokens = 60});
  add(scheduler, {.id = 1, .num_tokens = 60});
  EXPECT_EQ(num_scheduled_tokens(run_step(scheduler).output), (Counts{{0, 60}, {1, 4}}));
  add(scheduler, {.id = 2, .num_tokens = 60});
  EXPECT_EQ(num_scheduled_tokens(run_step(scheduler).output), (Counts{{0, 1}, {1, 56}, {2, 7}}));
  EXPECT_EQ(num_scheduled_tokens(run_step(scheduler).output), (Counts{{0, 1}, {1, 1}, {2, 53}}));
}

TEST(V0ChunkedPrefillTest, DecodesComeFirstAndPromptsWaitForBudget) {
  V0Options options = chunked();
  options.max_num_batched_tokens = 2;
  options.max_model_len = 8;
  v0::Scheduler scheduler = create_v0(options);
  add(scheduler, {.id = 0, .num_tokens = 2});
  EXPECT_EQ(num_scheduled_tokens(run_step(scheduler).output), (Counts{{0, 2}}));
  add(scheduler, {.id = 1, .num_tokens = 2});
  EXPECT_EQ(num_scheduled_tokens(run_step(scheduler).output), (Counts{{0, 1}, {1, 1}}));
  EXPECT_EQ(num_scheduled_tokens(run_step(scheduler).output), (Counts{{0, 1}, {1, 1}}));
  add(scheduler, {.id = 2, .num_tokens = 2});
  EXPECT_EQ(num_scheduled_tokens(run_step(scheduler).output), (Counts{{0, 1}, {1, 1}}));
  EXPECT_EQ(ids_of(scheduler.waiting()), std::vector<RequestId>{2});
}

TEST(V0ChunkedPrefillTest, APromptMayExceedTheBudgetButNotTheModel) {
  V0Options options = chunked();
  options.max_num_batched_tokens = 32;
  options.max_model_len = 64;
  v0::Scheduler scheduler = create_v0(options);
  add(scheduler, {.id = 0, .num_tokens = 48});
  add(scheduler, {.id = 1, .num_tokens = 65});
  EXPECT_EQ(num_scheduled_tokens(run_step(scheduler).output), (Counts{{0, 32}}));
  const V0Step second = run_step(scheduler);
  EXPECT_EQ(num_scheduled_tokens(second.output), (Counts{{0, 16}}));
  const EngineCoreOutput* told = find_output(second.outputs, 1);
  ASSERT_NE(told, nullptr);
  EXPECT_EQ(told->finish_reason, FinishReason::kLength);
  EXPECT_EQ(told->num_new_tokens, 0);
}

TEST(V0ChunkedPrefillTest, ADecodeThatHasNoRoomIsPreemptedAndComesBack) {
  V0Options options = chunked();
  options.num_blocks = 16;
  v0::Scheduler scheduler = create_v0(options);
  add(scheduler, {.id = 0, .num_tokens = 60});
  EXPECT_EQ(num_scheduled_tokens(run_step(scheduler).output), (Counts{{0, 60}}));
  for (int i = 0; i < 4; ++i)
    EXPECT_EQ(num_scheduled_tokens(run_step(scheduler).output), (Counts{{0, 1}}));
  add(scheduler, {.id = 1, .num_tokens = 4});
  const V0Step preempted = run_step(scheduler);
  EXPECT_THAT(preempted.output.preempted_request_ids, ElementsAre(0));
  EXPECT_EQ(num_scheduled_tokens(preempted.output), (Counts{{1, 4}}));
}

TEST(V0ChunkedPrefillTest, MaxNumSeqsHoldsPromptsBack) {
  V0Options options = chunked();
  options.max_num_seqs = 1;
  v0::Scheduler scheduler = create_v0(options);
  add(scheduler, {.id = 0, .num_tokens = 4});
  add(scheduler, {.id = 1, .num_tokens = 4});
  EXPECT_EQ(num_scheduled_tokens(run_step(scheduler).output), (Counts{{0, 4}}));
  EXPECT_EQ(num_scheduled_tokens(run_step(scheduler).output), (Counts{{0, 1}}));
  EXPECT_EQ(ids_of(scheduler.waiting()), std::vector<RequestId>{1});
}

// 60-token prompts, blocks of 16: a piece is a multiple of 16 unless it ends the prompt.
TEST(V0ChunkedPrefillTest, WithThePrefixCachePiecesAreWholeBlocks) {
  for (const bool enable_prefix_caching : {false, true}) {
    V0Options options = chunked();
    options.block_size = 16;
    options.max_num_batched_tokens = 40;
    options.enable_prefix_caching = enable_prefix_caching;
    v0::Scheduler scheduler = create_v0(options);
    add(scheduler, {.id = 0, .num_tokens = 60});
    const int expected = enable_prefix_caching ? 32 : 40;
    EXPECT_EQ(run_step(scheduler).output.total_num_scheduled_tokens, expected);
    EXPECT_EQ(run_step(scheduler).output.total_num_scheduled_tokens, 60 - expected);
  }
}

TEST(V0ChunkedPrefillTest, WithThePrefixCacheASecondPromptIsNotBegunWithLessThanABlock) {
  V0Options options = chunked();
  options.block_size = 8;
  options.max_num_batched_tokens = 66;
  options.enable_prefix_caching = true;
  v0::Scheduler scheduler = create_v0(options);
  add(scheduler, {.id = 0, .num_tokens = 60});
  add(scheduler, {.id = 1, .num_tokens = 60});
  EXPECT_EQ(num_scheduled_tokens(run_step(scheduler).output), (Counts{{0, 60}}));
  EXPECT_EQ(num_scheduled_tokens(run_step(scheduler).output), (Counts{{0, 1}, {1, 60}}));
}

TEST(V0ChunkedPrefillTest, TheNextCompletionGoesOnWhenTheFirstIsAborted) {
  V0Options options = chunked();
  options.max_num_batched_tokens = 16;
  v0::Scheduler scheduler = create_v0(options);
  add(scheduler, {.id = 0, .num_tokens = 20}, 2);
  EXPECT_EQ(num_scheduled_tokens(run_step(scheduler).output), (Counts{{0, 16}}));
  abort(scheduler, 0);
  const V0Step step = run_step(scheduler);
  EXPECT_THAT(step.output.finished_request_ids, ElementsAre(0));
  EXPECT_EQ(num_scheduled_tokens(step.output), (Counts{{1, 4}}));
  EXPECT_EQ(new_request_ids(step.output), std::vector<RequestId>{1});
  EXPECT_EQ(step.output.new_blocks(0, 0).size(), 5u);
}

}  // namespace
}  // namespace quire::test
