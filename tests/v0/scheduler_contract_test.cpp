// What SchedulerInterface promises, kept by both schedulers.
#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/scheduler.h"
#include "v0/make_v0.h"
#include "v0/v0_harness.h"

namespace quire::test {
namespace {

using ::testing::IsEmpty;

struct ContractCase {
  const char* name;
  SchedulerKind kind;
  bool enable_chunked_prefill;
  bool enable_prefix_caching;
  PreemptionMode preemption_mode = PreemptionMode::kAuto;
};

class SchedulerContractTest : public ::testing::TestWithParam<ContractCase> {
 protected:
  ContractEngine create(V0Options options = {}) {
    options.enable_chunked_prefill = GetParam().enable_chunked_prefill;
    options.enable_prefix_caching = GetParam().enable_prefix_caching;
    options.preemption_mode = GetParam().preemption_mode;
    options.num_host_blocks = 200;
    const KVCacheConfig kv_cache = v0_kv_cache_config(options);
    SchedulerConfig config = v0_config(options);
    const CacheConfig cache = v0_cache_config(options);
    config.kind = GetParam().kind;
    std::unique_ptr<SchedulerInterface> scheduler;
    if (GetParam().kind == SchedulerKind::kV0) {
      scheduler = make_v0_scheduler(config, cache, kv_cache);
    } else {
      scheduler = std::make_unique<Scheduler>(config, cache, kv_cache);
    }
    EXPECT_EQ(scheduler->stats().scheduler, GetParam().kind);
    return ContractEngine(std::move(scheduler), kv_cache, options.max_num_batched_tokens);
  }
};

INSTANTIATE_TEST_SUITE_P(
    Schedulers,
    SchedulerContractTest,
    ::testing::Values(
        ContractCase{"V1", SchedulerKind::kV1, true, true},
        ContractCase{"V1WithoutChunks", SchedulerKind::kV1, false, false},
        ContractCase{"V0", SchedulerKind::kV0, false, false},
        ContractCase{"V0Swap", SchedulerKind::kV0, false, false, PreemptionMode::kSwap},
        ContractCase{"V0Chunked", SchedulerKind::kV0, true, false},
        ContractCase{"V0ChunkedCached", SchedulerKind::kV0, true, true},
        ContractCase{"V0CachedSwap", SchedulerKind::kV0, false, true, PreemptionMode::kSwap}
    ),
    [](const auto& info) { return std::string(info.param.name); }
);

TEST_P(SchedulerContractTest, EveryRequestGetsAllItsTokens) {
  ContractEngine engine = create();
  for (int i = 0; i < 20; ++i)
    engine.add({.prompt = token_range(i % 3, 1 + 2 * i), .max_tokens = 5});
  engine.run_to_the_end();
  for (RequestId id = 0; id < 20; ++id)
    EXPECT_THAT(engine.output_of(id), ::testing::SizeIs(5)) << id;
  EXPECT_EQ(engine.num_cut_short() + engine.num_failed(), 0);
}

TEST_P(SchedulerContractTest, ScarceBlocksPreemptAndLoseNothing) {
  ContractEngine engine = create({.num_blocks = 16});
  for (int i = 0; i < 8; ++i)
    engine.add({.prompt = token_range(100 * i, 8), .max_tokens = 20});
  engine.run_to_the_end();
  EXPECT_EQ(engine.num_finished(), 8);
  EXPECT_EQ(engine.num_cut_short() + engine.num_failed(), 0);
  EXPECT_GT(engine.scheduler().stats().num_preemptions, 0);
  const bool swaps = GetParam().preemption_mode == PreemptionMode::kSwap;
  EXPECT_EQ(engine.num_swaps() > 0, swaps);
}

TEST_P(SchedulerContractTest, CompletionsOfOnePromptAreServedTogether) {
  ContractEngine engine = create();
  const RequestId first = engine.add({.prompt = token_range(0, 10), .max_tokens = 6}, 4);
  engine.run_to_the_end();
  for (RequestId id = first; id < first + 4; ++id)
    EXPECT_THAT(engine.output_of(id), ::testing::SizeIs(6)) << id;
  EXPECT_EQ(engine.num_copies_on_write() > 0, GetParam().kind == SchedulerKind::kV0);
}

TEST_P(SchedulerContractTest, CompletionsSurviveScarceBlocks) {
  ContractEngine engine = create({.num_blocks = 20});
  for (int i = 0; i < 6; ++i)
    engine.add({.prompt = token_range(100 * i, 6), .max_tokens = 16}, 3);
  engine.run_to_the_end();
  EXPECT_EQ(engine.num_finished(), 18);
  EXPECT_EQ(engine.num_cut_short() + engine.num_failed(), 0);
  EXPECT_GT(engine.scheduler().stats().num_preemptions, 0);
  // Left to itself, V0 swaps such groups.
  EXPECT_EQ(engine.num_swaps() > 0, GetParam().kind == SchedulerKind::kV0);
}

TEST_P(SchedulerContractTest, AbortedRequestsHoldNothing) {
  ContractEngine engine = create();
  for (int i = 0; i < 6; ++i)
    engine.add({.prompt = token_range(i, 20), .max_tokens = 30});
  engine.abort(5);  // waiting
  engine.step();
  engine.abort(0);  // running
  engine.step(/*aborted_id=*/1);  // under way
  for (RequestId id : {2, 3, 4})
    engine.abort(id);
  engine.run_to_the_end();
  EXPECT_EQ(engine.num_finished(), 0);
  EXPECT_FALSE(engine.scheduler().has_work());
}

TEST_P(SchedulerContractTest, UnknownIdsAreIgnored) {
  ContractEngine engine = create();
  engine.add({.num_tokens = 4, .max_tokens = 2});
  engine.abort(77);
  engine.scheduler().set_ready(77);
  engine.run_to_the_end();
  EXPECT_EQ(engine.num_finished(), 1);
}

TEST_P(SchedulerContractTest, RunningRequestsStartAnewWhenTheCacheIsReset) {
  ContractEngine engine = create();
  for (int i = 0; i < 4; ++i)
    engine.add({.prompt = token_range(i, 12), .max_tokens = 8});
  engine.step();
  engine.step();
  EXPECT_FALSE(engine.scheduler().reset_prefix_cache(false));
  EXPECT_TRUE(engine.scheduler().reset_prefix_cache(true));
  engine.run_to_the_end();
  EXPECT_EQ(engine.num_finished(), 4);
  EXPECT_TRUE(engine.scheduler().reset_prefix_cache(false));
}

TEST_P(SchedulerContractTest, ThePauseKeepsRequestsAsTheyAre) {
  ContractEngine engine = create();
  engine.add({.num_tokens = 6, .max_tokens = 4});
  engine.step();
  engine.scheduler().set_pause_state(PauseState::kPausedAll);
  engine.step();
  EXPECT_THAT(engine.last_step().requests, IsEmpty());
  EXPECT_TRUE(engine.scheduler().has_unfinished_requests());
  engine.scheduler().set_pause_state(PauseState::kUnpaused);
  engine.run_to_the_end();
  EXPECT_EQ(engine.num_finished(), 1);
}

TEST_P(SchedulerContractTest, TheSameArrivalsGiveTheSameSteps) {
  const auto steps = [this] {
    ContractEngine engine = create({.num_blocks = 20});
    std::vector<SchedulerOutput> outputs;
    for (int i = 0; i < 60; ++i) {
      if (i % 3 == 0) engine.add({.prompt = token_range(i, 5 + i % 7), .max_tokens = 9}, 1 + i % 2);
      engine.step();
      outputs.push_back(engine.last_step());
    }
    return outputs;
  };
  EXPECT_EQ(steps(), steps());
}

}  // namespace
}  // namespace quire::test
