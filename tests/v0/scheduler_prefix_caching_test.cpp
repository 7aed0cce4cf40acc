// The prefix cache under V0: off unless asked for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "v0/v0_harness.h"

namespace quire::test {
namespace {

using ::testing::SizeIs;
using Counts = std::map<RequestId, int>;

RequestOptions prompt(RequestId id, int num_tokens) {
  return {.id = id, .prompt = token_range(0, num_tokens)};
}

TEST(V0PrefixCachingTest, CachedTokensAreNotComputedAgain) {
  v0::Scheduler scheduler = create_v0({.enable_prefix_caching = true});
  add(scheduler, prompt(0, 10));
  run_step(scheduler);
  add(scheduler, prompt(1, 10));
  const V0Step step = run_step(scheduler);
  EXPECT_EQ(num_scheduled_tokens(step.output), (Counts{{1, 2}}));
  EXPECT_EQ(step.output.requests[0].num_computed_tokens, 8);
  EXPECT_EQ(step.outputs.outputs.at(0).num_cached_tokens, 8);
  const PrefixCacheStats stats = scheduler.stats().prefix_cache;
  EXPECT_EQ(stats.num_queried_tokens, 20);
  EXPECT_EQ(stats.num_hit_tokens, 8);
}

TEST(V0PrefixCachingTest, PromptsOfTheSameStepDoNotShare) {
  v0::Scheduler scheduler = create_v0({.enable_prefix_caching = true});
  add(scheduler, prompt(0, 8));
  add(scheduler, prompt(1, 8));
  EXPECT_EQ(num_scheduled_tokens(run_step(scheduler).output), (Counts{{0, 8}, {1, 8}}));
}

// A budget of 20 tokens admits 16 new ones and any number that is cached.
TEST(V0PrefixCachingTest, CachedTokensCostNoBudget) {
  v0::Scheduler scheduler =
      create_v0({.max_num_batched_tokens = 20, .max_model_len = 64, .enable_prefix_caching = true});
  add(scheduler, prompt(0, 16));
  run_step(scheduler);
  for (RequestId id = 1; id < 5; ++id)
    add(scheduler, prompt(id, 18));
  EXPECT_EQ(
      num_scheduled_tokens(run_step(scheduler).output), (Counts{{1, 2}, {2, 2}, {3, 2}, {4, 2}})
  );
}

TEST(V0PrefixCachingTest, OfAFullyCachedPromptOneTokenIsComputed) {
  v0::Scheduler scheduler = create_v0({.enable_prefix_caching = true});
  add(scheduler, prompt(0, 8));
  run_step(scheduler);
  add(scheduler, prompt(1, 8));
  const V0Step step = run_step(scheduler);
  EXPECT_EQ(num_scheduled_tokens(step.output), (Counts{{1, 1}}));
  EXPECT_EQ(step.output.requests[0].num_computed_tokens, 7);
  EXPECT_THAT(step.output.block_copies, SizeIs(1));  // of the block that it writes into
}

TEST(V0PrefixCachingTest, FinishedRequestsLeaveTheirBlocksBehind) {
  v0::Scheduler scheduler = create_v0({.enable_prefix_caching = true});
  RequestOptions options = prompt(0, 9);
  options.max_tokens = 1;
  add(scheduler, options);
  run_step(scheduler);
  EXPECT_EQ(scheduler.stats().num_used_blocks, 0);
  add(scheduler, prompt(1, 9));
  EXPECT_EQ(num_scheduled_tokens(run_step(scheduler).output), (Counts{{1, 1}}));
}

TEST(V0PrefixCachingTest, APromptWhoseLogprobsAreWantedIsComputed) {
  v0::Scheduler scheduler = create_v0({.enable_prefix_caching = true});
  add(scheduler, prompt(0, 9));
  run_step(scheduler);
  RequestOptions options = prompt(1, 9);
  options.prompt_logprobs = 1;
  add(scheduler, options);
  EXPECT_EQ(num_scheduled_tokens(run_step(scheduler).output), (Counts{{1, 9}}));
}

TEST(V0PrefixCachingTest, ItIsOffUnlessAskedFor) {
  v0::Scheduler scheduler = create_v0();
  add(scheduler, prompt(0, 9));
  run_step(scheduler);
  add(scheduler, prompt(1, 9));
  EXPECT_EQ(num_scheduled_tokens(run_step(scheduler).output), (Counts{{1, 9}}));
  EXPECT_EQ(scheduler.stats().prefix_cache.num_requests, 0);
}

}  // namespace
}  // namespace quire::test
