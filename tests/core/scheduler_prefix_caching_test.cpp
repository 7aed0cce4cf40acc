#include <array>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/scheduler.h"
#include "support/fake_runner.h"
#include "support/scheduler_factory.h"

namespace quire::test {
namespace {

using ::testing::ElementsAre;
using Counts = std::map<RequestId, int>;

TEST(SchedulerPrefixCachingTest, SamePromptsInOneStepShareTheirBlocks) {
  const SchedulerOptions options{.enable_prefix_caching = true};
  Scheduler scheduler = create_scheduler(options);
  FakeRunner runner(make_kv_cache_config(options));
  for (RequestId id = 0; id < 5; ++id) {
    scheduler.add_request(create_request({.id = id, .prompt = token_range(0, 100)}));
  }
  const SchedulerOutput output = scheduler.schedule();
  EXPECT_EQ(num_scheduled_tokens(output), (Counts{{0, 100}, {1, 4}, {2, 4}, {3, 4}, {4, 4}}));
  EXPECT_THAT(output.num_common_prefix_blocks, ElementsAre(6));
  const EngineCoreOutputs outputs = update(scheduler, output, runner.execute(output));
  EXPECT_EQ(find_output(outputs, 0)->num_cached_tokens, 0);
  EXPECT_EQ(find_output(outputs, 4)->num_cached_tokens, 96);
  scheduler.check_integrity();
}

TEST(SchedulerPrefixCachingTest, TheNextTurnComputesOnlyWhatIsNew) {
  const SchedulerOptions options{.enable_prefix_caching = true};
  Scheduler scheduler = create_scheduler(options);
  FakeRunner runner(make_kv_cache_config(options));
  const std::vector<int32_t> prompt = token_range(0, 100);
  std::vector<int32_t> history = prompt;
  const std::vector<int32_t> answer = FakeRunner::continuation(prompt, 200);
  history.insert(history.end(), answer.begin(), answer.end());

  scheduler.add_request(create_request({.id = 0, .prompt = prompt, .max_tokens = 200}));
  while (scheduler.has_work()) {
    const SchedulerOutput output = scheduler.schedule();
    update(scheduler, output, runner.execute(output));
  }
  // The last token of the answer was sampled but never computed: block 18 is not full.
  scheduler.add_request(create_request({.id = 1, .prompt = history}));
  const SchedulerOutput output = scheduler.schedule();
  EXPECT_EQ(num_scheduled_tokens(output), (Counts{{1, 300 % 16}}));
  update(scheduler, output, runner.execute(output));
  scheduler.check_integrity();
}

TEST(SchedulerPrefixCachingTest, TheLastTokenOfACachedPromptIsComputedAgain) {
  Scheduler scheduler = create_scheduler({.enable_prefix_caching = true});
  for (RequestId id = 0; id < 2; ++id) {
    scheduler.add_request(create_request({.id = id, .prompt = token_range(0, 48)}));
  }
  EXPECT_EQ(num_scheduled_tokens(scheduler.schedule()), (Counts{{0, 48}, {1, 16}}));
  scheduler.check_integrity();
}

TEST(SchedulerPrefixCachingTest, PromptLogprobsReadNothingFromTheCacheButFillIt) {
  Scheduler scheduler = create_scheduler({.enable_prefix_caching = true});
  for (RequestId id = 0; id < 3; ++id) {
    scheduler.add_request(create_request({
        .id = id,
        .prompt = token_range(0, 40),
        .prompt_logprobs = id < 2 ? std::optional<int>(5) : std::nullopt,
    }));
  }
  EXPECT_EQ(num_scheduled_tokens(scheduler.schedule()), (Counts{{0, 40}, {1, 40}, {2, 8}}));
  const PrefixCacheStats stats = scheduler.stats().prefix_cache;
  EXPECT_EQ(stats.num_requests, 1);
  EXPECT_EQ(stats.num_queried_tokens, 40);
  EXPECT_EQ(stats.num_hit_tokens, 32);
  EXPECT_EQ(scheduler.stats().prefix_cache, PrefixCacheStats());  // since the last call
  scheduler.check_integrity();
}

TEST(SchedulerPrefixCachingTest, ARequestThatWaitsLongIsCountedOnce) {
  Scheduler scheduler = create_scheduler({.enable_prefix_caching = true, .num_blocks = 3});
  add_requests(scheduler, 2, {.num_tokens = 20, .max_tokens = 4});
  for (int step = 0; step < 6; ++step) {
    const SchedulerOutput output = scheduler.schedule();
    update(scheduler, output, make_runner_output(scheduler, output, 1));
  }
  EXPECT_EQ(scheduler.stats().prefix_cache.num_requests, 2);
  scheduler.check_integrity();
}

TEST(SchedulerPrefixCachingTest, LookupsAfterPreemptionAreCountedApart) {
  Scheduler scheduler = create_scheduler({.enable_prefix_caching = true});
  add_requests(scheduler, 1, {.num_tokens = 20});
  SchedulerOutput output = scheduler.schedule();
  update(scheduler, output, make_runner_output(scheduler, output, 1));
  ASSERT_TRUE(scheduler.reset_prefix_cache(true));
  scheduler.schedule();
  const PrefixCacheStats stats = scheduler.stats().prefix_cache;
  EXPECT_EQ(stats.num_requests, 1);
  EXPECT_EQ(stats.num_queried_tokens, 20);
  EXPECT_EQ(stats.num_preempted_requests, 1);
  EXPECT_EQ(stats.num_preempted_queried_tokens, 21);
  EXPECT_EQ(stats.num_preempted_hit_tokens, 0);
}

TEST(SchedulerPrefixCachingTest, AnotherSaltSharesNothing) {
  Scheduler scheduler = create_scheduler({.enable_prefix_caching = true});
  const std::array<const char*, 3> salts{"a", "b", "a"};
  for (RequestId id = 0; id < 3; ++id) {
    scheduler.add_request(
        create_request({.id = id, .prompt = token_range(0, 40), .cache_salt = salts[id]})
    );
  }
  EXPECT_EQ(num_scheduled_tokens(scheduler.schedule()), (Counts{{0, 40}, {1, 40}, {2, 8}}));
  scheduler.check_integrity();
}

TEST(SchedulerPrefixCachingTest, ChunksAreSharedAsFarAsTheyArePlanned) {
  const SchedulerOptions options{
      .max_num_batched_tokens = 64, .max_model_len = 500, .enable_prefix_caching = true};
  Scheduler scheduler = create_scheduler(options);
  FakeRunner runner(make_kv_cache_config(options));
  for (RequestId id = 0; id < 2; ++id) {
    scheduler.add_request(create_request({.id = id, .prompt = token_range(0, 100)}));
  }
  SchedulerOutput output = scheduler.schedule();
  EXPECT_EQ(num_scheduled_tokens(output), (Counts{{0, 64}}));
  update(scheduler, output, runner.execute(output));
  // 96 tokens are computed or planned when the second looks; its own share is what is left of it.
  output = scheduler.schedule();
  EXPECT_EQ(num_scheduled_tokens(output), (Counts{{0, 36}, {1, 4}}));
  update(scheduler, output, runner.execute(output));
  scheduler.check_integrity();
}

}  // namespace
}  // namespace quire::test
