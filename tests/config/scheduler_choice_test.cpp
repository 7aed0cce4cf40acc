#include "config/scheduler_choice.h"

#include <cmath>
#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/resolve.h"
#include "quire/error.h"

namespace quire {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr DeviceInfo kMachine{.total_memory_bytes = 8LL << 30, .num_cpus = 2};

ResolvedConfig resolve_small(const EngineConfig& config, int max_position_embeddings = 2048) {
  ModelConfig model;
  model.architecture = "LlamaForCausalLM";
  model.max_position_embeddings = max_position_embeddings;
  model.dtype = DType::kBFloat16;
  return resolve(config, model, kMachine, UsageContext::kServer, false);
}

EngineConfig v0() {
  EngineConfig config;
  config.scheduler = "v0";
  return config;
}

TEST(SchedulerChoiceTest, UnsetMeansV1) {
  const ResolvedConfig config = resolve_small({});
  EXPECT_EQ(config.scheduler.kind, SchedulerKind::kV1);
  EXPECT_TRUE(config.scheduler.enable_chunked_prefill);
  EXPECT_TRUE(config.cache.enable_prefix_caching);
  EXPECT_THAT(config.warnings, IsEmpty());
  EXPECT_EQ(config.swap_space_bytes, 0);
}

TEST(SchedulerChoiceTest, V0HasItsOwnDefaults) {
  const ResolvedConfig config = resolve_small(v0());
  EXPECT_EQ(config.scheduler.kind, SchedulerKind::kV0);
  EXPECT_FALSE(config.scheduler.enable_chunked_prefill);
  EXPECT_FALSE(config.cache.enable_prefix_caching);
  EXPECT_EQ(config.scheduler.max_num_seqs, 256);
  EXPECT_EQ(config.scheduler.max_num_batched_tokens, 2048);
  EXPECT_EQ(config.scheduler.preemption_mode, PreemptionMode::kAuto);
  EXPECT_EQ(config.scheduler.scheduler_delay_factor, 0.0);
  EXPECT_EQ(config.swap_space_bytes, 4LL << 30);
  EXPECT_THAT(config.warnings, IsEmpty());
}

TEST(SchedulerChoiceTest, V0sBudgetHoldsTheLongestPrompt) {
  EXPECT_EQ(resolve_small(v0(), 8192).scheduler.max_num_batched_tokens, 8192);
}

TEST(SchedulerChoiceTest, V0ChunksVeryLongPromptsByDefault) {
  EXPECT_FALSE(resolve_small(v0(), 32768).scheduler.enable_chunked_prefill);
  const ResolvedConfig config = resolve_small(v0(), 32769);
  EXPECT_TRUE(config.scheduler.enable_chunked_prefill);
  EXPECT_EQ(config.scheduler.max_num_batched_tokens, 2048);
}

TEST(SchedulerChoiceTest, WhatIsAskedForIsOnUnderV0) {
  EngineConfig wish = v0();
  wish.enable_chunked_prefill = true;
  wish.enable_prefix_caching = true;
  wish.scheduler_delay_factor = 0.5;
  wish.preemption_mode = "swap";
  wish.swap_space = 0.0;
  const ResolvedConfig config = resolve_small(wish);
  EXPECT_TRUE(config.scheduler.enable_chunked_prefill);
  EXPECT_TRUE(config.cache.enable_prefix_caching);
  EXPECT_EQ(config.scheduler.scheduler_delay_factor, 0.5);
  EXPECT_EQ(config.scheduler.preemption_mode, PreemptionMode::kSwap);
  EXPECT_EQ(config.swap_space_bytes, 0);
}

struct V0Option {
  const char* field;
  const char* flag;
  std::function<void(EngineConfig&)> set;
};
class V0OptionTest : public ::testing::TestWithParam<V0Option> {};
INSTANTIATE_TEST_SUITE_P(
    Options,
    V0OptionTest,
    ::testing::Values(
        V0Option{
            "scheduler_delay_factor",
            "--scheduler-delay-factor",
            [](auto& c) { c.scheduler_delay_factor = 0.5; }},
        V0Option{
            "preemption_mode", "--preemption-mode", [](auto& c) { c.preemption_mode = "swap"; }},
        V0Option{"swap_space", "--swap-space", [](auto& c) { c.swap_space = 4.0; }}
    ),
    [](const auto& info) { return std::string(info.param.field); }
);

TEST_P(V0OptionTest, ChoosesV0WithAWarning) {
  EngineConfig wish;
  GetParam().set(wish);
  const ResolvedConfig config = resolve_small(wish);
  EXPECT_EQ(config.scheduler.kind, SchedulerKind::kV0);
  EXPECT_THAT(
      config.warnings,
      ElementsAre(
          std::string(GetParam().flag) +
          " is not supported by the V1 Engine. Falling back to V0. We recommend to remove " +
          GetParam().flag + " from your config in favor of the V1 Engine."
      )
  );
}

TEST_P(V0OptionTest, IsRefusedUnderV1) {
  EngineConfig wish;
  wish.scheduler = "v1";
  GetParam().set(wish);
  try {
    resolve_small(wish);
    FAIL() << GetParam().flag << " was accepted";
  } catch (const InvalidArgument& error) {
    EXPECT_EQ(error.field(), GetParam().field);
    const std::string refusal =
        std::string(GetParam().flag) + " is not supported with the V1 scheduler";
    EXPECT_THAT(error.what(), HasSubstr(refusal));
    EXPECT_THAT(error.what(), HasSubstr("--scheduler v1 or VLLM_USE_V1=1"));
    EXPECT_THAT(error.what(), HasSubstr("--scheduler v0"));
  }
}

TEST_P(V0OptionTest, IsSilentlyFineUnderV0) {
  EngineConfig wish = v0();
  GetParam().set(wish);
  EXPECT_THAT(resolve_small(wish).warnings, IsEmpty());
}

// Its value that changes nothing is no reason to leave V1.
TEST(SchedulerChoiceTest, ADelayFactorOfZeroIsNoV0Option) {
  EngineConfig wish;
  wish.scheduler_delay_factor = 0.0;
  EXPECT_EQ(resolve_small(wish).scheduler.kind, SchedulerKind::kV1);
}

TEST(SchedulerChoiceTest, WhoNeverSwapsGetsNoSwapSpace) {
  EngineConfig wish = v0();
  wish.preemption_mode = "recompute";
  EXPECT_EQ(resolve_small(wish).swap_space_bytes, 0);
  wish.swap_space = 0.0;
  EXPECT_EQ(resolve_small(wish).swap_space_bytes, 0);
}

struct RefusedUnderV0 {
  const char* field;
  const char* message;
  std::function<void(EngineConfig&)> change;
};
class RefusedUnderV0Test : public ::testing::TestWithParam<RefusedUnderV0> {};

TEST_P(RefusedUnderV0Test, NamesTheFieldAndTheFix) {
  EngineConfig wish = v0();
  GetParam().change(wish);
  try {
    resolve_small(wish);
    FAIL() << GetParam().field << " was accepted";
  } catch (const InvalidArgument& error) {
    EXPECT_EQ(error.field(), GetParam().field);
    EXPECT_THAT(error.what(), HasSubstr(GetParam().message));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Options,
    RefusedUnderV0Test,
    ::testing::Values(
        RefusedUnderV0{"scheduler", "v0, v1", [](auto& c) { c.scheduler = "v2"; }},
        RefusedUnderV0{
            "async_scheduling", "--scheduler v1", [](auto& c) { c.async_scheduling = true; }},
        RefusedUnderV0{
            "scheduler_reserve_full_isl",
            "--scheduler v1",
            [](auto& c) { c.scheduler_reserve_full_isl = false; }},
        RefusedUnderV0{
            "max_num_scheduled_tokens",
            "--max-num-batched-tokens",
            [](auto& c) { c.max_num_scheduled_tokens = 512; }},
        RefusedUnderV0{
            "disable_hybrid_kv_cache_manager",
            "--scheduler v1",
            [](auto& c) { c.disable_hybrid_kv_cache_manager = true; }},
        RefusedUnderV0{
            "swap_space",
            "--preemption-mode swap",
            [](auto& c) {
              c.preemption_mode = "recompute";
              c.swap_space = 1.0;
            }},
        RefusedUnderV0{
            "preemption_mode", "recompute, swap", [](auto& c) { c.preemption_mode = "drop"; }},
        RefusedUnderV0{
            "scheduler_delay_factor", "got -1", [](auto& c) { c.scheduler_delay_factor = -1.0; }},
        RefusedUnderV0{
            "scheduler_delay_factor",
            "got nan",
            [](auto& c) { c.scheduler_delay_factor = std::nan(""); }},
        RefusedUnderV0{"swap_space", "got -1", [](auto& c) { c.swap_space = -1.0; }},
        RefusedUnderV0{"swap_space", "at most 5.6", [](auto& c) { c.swap_space = 6.0; }},
        RefusedUnderV0{
            "max_num_partial_prefills",
            "needs chunked prefill",
            [](auto& c) { c.max_num_partial_prefills = 2; }},
        RefusedUnderV0{
            "long_prefill_token_threshold",
            "max_num_partial_prefills above 1",
            [](auto& c) { c.long_prefill_token_threshold = 100; }},
        RefusedUnderV0{
            "max_num_batched_tokens",
            "less than a block of 16",
            [](auto& c) {
              c.enable_chunked_prefill = true;
              c.enable_prefix_caching = true;
              c.max_num_seqs = 8;
              c.max_num_batched_tokens = 8;
            }}
    )
);

TEST(SchedulerChoiceTest, SwapSpaceBecomesHostBlocks) {
  const std::vector<KVCacheSpec> layers(
      2, {.num_kv_heads = 2, .head_dim = 64, .dtype = DType::kBFloat16}
  );
  EngineConfig wish = v0();
  wish.swap_space = 0.125;
  const KVCacheConfig cache = size_kv_cache(resolve_small(wish), layers, 0);
  // 2 layers of 16 tokens, 2 heads of 64, keys and values: 16 KiB a block.
  EXPECT_EQ(cache.num_host_blocks, (1 << 27) / (1 << 14));
  EXPECT_EQ(size_kv_cache(resolve_small({}), layers, 0).num_host_blocks, 0);
  wish.max_num_seqs = 1;
  EXPECT_EQ(size_kv_cache(resolve_small(wish), layers, 0).num_host_blocks, 2048 / 16);
}

}  // namespace
}  // namespace quire
