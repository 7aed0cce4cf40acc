#include "config/resolve.h"

#include <cmath>
#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "quire/error.h"

namespace quire {
namespace {

using ::testing::HasSubstr;

ModelConfig small_model() {
  ModelConfig model;
  model.architecture = "LlamaForCausalLM";
  model.max_position_embeddings = 2048;
  model.dtype = DType::kBFloat16;
  return model;
}

constexpr DeviceInfo kMachine{.total_memory_bytes = 8LL << 30, .num_cpus = 2};

ResolvedConfig resolve_small(
    const EngineConfig& config, UsageContext usage = UsageContext::kLlm, bool allow_long = false
) {
  return resolve(config, small_model(), kMachine, usage, allow_long);
}

TEST(ResolveTest, DefaultsAreVllmsForTheCpu) {
  const ResolvedConfig offline = resolve_small({});
  EXPECT_EQ(offline.scheduler.max_num_seqs, 256);
  EXPECT_EQ(offline.scheduler.max_num_batched_tokens, 4096);
  EXPECT_EQ(offline.scheduler.max_model_len, 2048);
  EXPECT_TRUE(offline.scheduler.enable_chunked_prefill);
  EXPECT_TRUE(offline.cache.enable_prefix_caching);
  EXPECT_EQ(offline.cache.block_size, 16);
  EXPECT_EQ(offline.num_threads, 2);
  const ResolvedConfig server = resolve_small({}, UsageContext::kServer);
  EXPECT_EQ(server.scheduler.max_num_seqs, 128);
  EXPECT_EQ(server.scheduler.max_num_batched_tokens, 2048);
}

TEST(ResolveTest, AutoDtypeComputesFloat32CheckpointsInBfloat16AndSaysSo) {
  ModelConfig model = small_model();
  model.dtype = DType::kFloat32;
  const ResolvedConfig config = resolve({}, model, kMachine, UsageContext::kLlm, false);
  EXPECT_EQ(config.dtype, DType::kBFloat16);
  ASSERT_EQ(config.notes.size(), 1u);
  EXPECT_THAT(config.notes[0], HasSubstr("float32; computing in bfloat16"));
  EXPECT_EQ(resolve_small({.dtype = "float32"}).dtype, DType::kFloat32);
}

TEST(ResolveTest, BatchInvarianceIsConfirmedToWhoAsksForIt) {
  EXPECT_THAT(resolve_small({}).notes, testing::IsEmpty());
  const ResolvedConfig config = resolve_small({.batch_invariant = true});
  ASSERT_EQ(config.notes.size(), 1u);
  EXPECT_THAT(config.notes[0], HasSubstr("same logits alone and in any batch"));
}

TEST(ResolveTest, TheBudgetNeverExceedsWhatTheRequestsCanUse) {
  const ResolvedConfig config = resolve_small({.max_model_len = 64, .max_num_seqs = 4});
  EXPECT_EQ(config.scheduler.max_num_batched_tokens, 256);
}

TEST(ResolveTest, ASmallBudgetAloneLowersTheDefaultNumberOfRequests) {
  const ResolvedConfig config = resolve_small({.max_num_batched_tokens = 16});
  EXPECT_EQ(config.scheduler.max_num_batched_tokens, 16);
  EXPECT_EQ(config.scheduler.max_num_seqs, 16);
}

TEST(ResolveTest, ALongModelLengthNeedsPermission) {
  const EngineConfig wish{.max_model_len = 4096};
  EXPECT_THROW(resolve_small(wish), InvalidArgument);
  const ResolvedConfig config = resolve_small(wish, UsageContext::kLlm, true);
  EXPECT_EQ(config.scheduler.max_model_len, 4096);
  EXPECT_EQ(config.notes.size(), 1u);
}

TEST(ResolveTest, SeveralPartialPrefillsBringAThresholdOfFourPercent) {
  EXPECT_EQ(resolve_small({}).scheduler.long_prefill_token_threshold, 0);
  EngineConfig wish{.max_num_partial_prefills = 4, .max_long_partial_prefills = 2};
  EXPECT_EQ(resolve_small(wish).scheduler.long_prefill_token_threshold, 81);
  EXPECT_EQ(resolve_small(wish).scheduler.max_long_partial_prefills, 2);
  wish.long_prefill_token_threshold = 100;
  EXPECT_EQ(resolve_small(wish).scheduler.long_prefill_token_threshold, 100);
}

TEST(ResolveTest, TheCacheTakesItsMemoryAsItIsUsedUnlessAskedOtherwise) {
  EXPECT_EQ(resolve_small({}).cache.population, KVCachePopulation::kLazy);
  EXPECT_EQ(
      resolve_small({.kv_cache_population = "background"}).cache.population,
      KVCachePopulation::kBackground
  );
}

TEST(ResolveTest, ABudgetThatNoStepCanFillIsTold) {
  const ResolvedConfig config =
      resolve_small({.max_model_len = 64, .max_num_batched_tokens = 512, .max_num_seqs = 4});
  EXPECT_THAT(
      config.notes,
      ::testing::Contains(HasSubstr("(512) exceeds max_num_seqs * max_model_len (256)"))
  );
}

struct RefusedCase {
  const char* field;
  const char* message;
  std::function<void(EngineConfig&)> change;
};

class RefusedOptionTest : public ::testing::TestWithParam<RefusedCase> {};

TEST_P(RefusedOptionTest, NamesTheFieldAndTheFix) {
  EngineConfig config;
  GetParam().change(config);
  try {
    resolve_small(config);
    FAIL() << GetParam().field << " was accepted";
  } catch (const InvalidArgument& error) {
    EXPECT_EQ(error.field(), GetParam().field);
    EXPECT_THAT(error.what(), HasSubstr(GetParam().message));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Options,
    RefusedOptionTest,
    ::testing::Values(
        RefusedCase{"dtype", "Use auto, bfloat16 or float32", [](auto& c) { c.dtype = "fp7"; }},
        RefusedCase{"dtype", "Use bfloat16", [](auto& c) { c.dtype = "half"; }},
        RefusedCase{"max_model_len", "at least 1", [](auto& c) { c.max_model_len = 0; }},
        RefusedCase{"block_size", "power of two", [](auto& c) { c.block_size = 24; }},
        RefusedCase{"block_size", "multiple of 16", [](auto& c) { c.block_size = 8; }},
        RefusedCase{"block_size", "(0)", [](auto& c) { c.block_size = 0; }},
        RefusedCase{
            "prefix_caching_hash_algo",
            "sha256, sha256_cbor, xxhash",
            [](auto& c) { c.prefix_caching_hash_algo = "md5"; }},
        RefusedCase{
            "kv_cache_population",
            "lazy, background, eager",
            [](auto& c) { c.kv_cache_population = "soon"; }},
        RefusedCase{"kv_cache_dtype", "Use auto", [](auto& c) { c.kv_cache_dtype = "fp8"; }},
        RefusedCase{
            "gpu_memory_utilization", "(0, 1]", [](auto& c) { c.gpu_memory_utilization = 1.5; }},
        RefusedCase{"device", "Use cpu", [](auto& c) { c.device = "cuda"; }},
        RefusedCase{
            "gpu_memory_utilization",
            "got nan",
            [](auto& c) { c.gpu_memory_utilization = std::nan(""); }},
        RefusedCase{"max_num_seqs", "at most 65536", [](auto& c) { c.max_num_seqs = 1 << 30; }},
        RefusedCase{"num_threads", "at least 1", [](auto& c) { c.num_threads = 0; }},
        RefusedCase{"num_threads", "more than the 2 CPUs", [](auto& c) { c.num_threads = 3; }}
    )
);

INSTANTIATE_TEST_SUITE_P(
    PartialPrefills,
    RefusedOptionTest,
    ::testing::Values(
        RefusedCase{
            "max_num_partial_prefills",
            "max_num_partial_prefills (0) must be greater than or equal to 1.",
            [](auto& c) { c.max_num_partial_prefills = 0; }},
        RefusedCase{
            "max_num_partial_prefills",
            "(2) > 1 needs chunked prefill",
            [](auto& c) {
              c.max_num_partial_prefills = 2;
              c.enable_chunked_prefill = false;
            }},
        RefusedCase{
            "max_long_partial_prefills",
            "max_long_partial_prefills (3) must be greater than or equal to 1 and less than or "
            "equal to max_num_partial_prefills (2).",
            [](auto& c) {
              c.max_num_partial_prefills = 2;
              c.max_long_partial_prefills = 3;
            }}
    )
);

INSTANTIATE_TEST_SUITE_P(
    Scheduling,
    RefusedOptionTest,
    ::testing::Values(
        RefusedCase{"max_num_seqs", "at least 1", [](auto& c) { c.max_num_seqs = 0; }},
        RefusedCase{
            "max_num_batched_tokens",
            "max_num_batched_tokens (8) must be greater than or equal to max_num_seqs (16).",
            [](auto& c) {
              c.max_num_batched_tokens = 8;
              c.max_num_seqs = 16;
            }},
        RefusedCase{
            "max_num_batched_tokens",
            "is smaller than max_model_len (2048)",
            [](auto& c) {
              c.enable_chunked_prefill = false;
              c.max_num_batched_tokens = 512;
            }},
        RefusedCase{
            "long_prefill_token_threshold",
            "max_model_len (2048)",
            [](auto& c) { c.long_prefill_token_threshold = 4096; }},
        RefusedCase{
            "max_num_scheduled_tokens",
            "(15) must be between 16 (max_num_seqs) and max_num_batched_tokens (64)",
            [](auto& c) {
              c.max_num_seqs = 16;
              c.max_num_batched_tokens = 64;
              c.max_num_scheduled_tokens = 15;
            }},
        RefusedCase{
            "max_num_scheduled_tokens",
            "(5000) must be between 256 (max_num_seqs) and max_num_batched_tokens (4096)",
            [](auto& c) { c.max_num_scheduled_tokens = 5000; }},
        RefusedCase{
            "max_num_scheduled_tokens",
            "must be between 2048 (max_model_len, without chunked prefill)",
            [](auto& c) {
              c.enable_chunked_prefill = false;
              c.max_num_scheduled_tokens = 1024;
            }},
        RefusedCase{
            "scheduling_policy", "fcfs, priority", [](auto& c) { c.scheduling_policy = "lifo"; }}
    )
);

std::vector<KVCacheSpec> small_layers(int count) {
  return std::vector<KVCacheSpec>(
      count, {.num_kv_heads = 2, .head_dim = 64, .dtype = DType::kBFloat16}
  );
}

TEST(SizeKVCacheTest, TakesNoMoreThanTheRequestsCanFill) {
  const ResolvedConfig config = resolve_small({.max_model_len = 64, .max_num_seqs = 4});
  const KVCacheConfig cache = size_kv_cache(config, small_layers(2), 0);
  EXPECT_EQ(cache.num_blocks, 4 * 4 + 1) << "four requests of four blocks, and the null block";
  ASSERT_EQ(cache.groups.size(), 1u);
  EXPECT_EQ(cache.groups[0].layer_indices.size(), 2u);
  EXPECT_EQ(kv_cache_num_bytes(cache), 17LL * 2 * (2 * 16 * 2 * 64 * 2));
}

TEST(SizeKVCacheTest, BytesAndBlocksCanBeAskedFor) {
  const int64_t block_bytes = 2 * 16 * 2 * 64 * 2;
  EngineConfig wish{.kv_cache_memory_bytes = 200 * block_bytes};
  EXPECT_EQ(size_kv_cache(resolve_small(wish), small_layers(1), 0).num_blocks, 200);
  wish.num_gpu_blocks_override = 7;
  EXPECT_EQ(size_kv_cache(resolve_small(wish), small_layers(1), 0).num_blocks, 7);
}

TEST(SizeKVCacheTest, ACacheForLessThanOneRequestIsRefusedWithTheLengthThatFits) {
  const int64_t block_bytes = 2 * 16 * 2 * 64 * 2;
  const EngineConfig wish{.kv_cache_memory_bytes = 11 * block_bytes};
  try {
    size_kv_cache(resolve_small(wish), small_layers(1), 0);
    FAIL() << "11 blocks cannot hold 2048 tokens";
  } catch (const InvalidArgument& error) {
    EXPECT_THAT(error.what(), HasSubstr("max seq len (2048)"));
    EXPECT_THAT(error.what(), HasSubstr("estimated maximum model length is 160"));
  }
}

TEST(SizeKVCacheTest, ABlockCountThatIsTooSmallIsNamed) {
  try {
    size_kv_cache(resolve_small({.num_gpu_blocks_override = 1}), small_layers(1), 0);
    FAIL() << "block 0 is the null block";
  } catch (const InvalidArgument& error) {
    EXPECT_EQ(error.field(), "num_gpu_blocks_override");
  }
}

TEST(SizeKVCacheTest, ACacheBeyondTheMemoryIsRefused) {
  EngineConfig wish{.num_gpu_blocks_override = 1000000000};
  EXPECT_THROW(size_kv_cache(resolve_small(wish), small_layers(1), 0), InvalidArgument);
  wish = {.kv_cache_memory_bytes = 16LL << 30};
  EXPECT_THROW(size_kv_cache(resolve_small(wish), small_layers(1), 0), InvalidArgument);
}

TEST(SizeKVCacheTest, SlotNumbersFitThirtyTwoBits) {
  constexpr DeviceInfo kLargeMachine{.total_memory_bytes = 1LL << 50, .num_cpus = 2};
  const EngineConfig wish{.num_gpu_blocks_override = 2000000000};
  const ResolvedConfig config =
      resolve(wish, small_model(), kLargeMachine, UsageContext::kLlm, false);
  EXPECT_LE(int64_t{size_kv_cache(config, small_layers(1), 0).num_blocks} * 16, INT32_MAX);
}

TEST(SizeKVCacheTest, WeightsThatFillTheMemoryLeaveNoCache) {
  const ResolvedConfig config = resolve_small({});
  EXPECT_THROW(size_kv_cache(config, small_layers(1), 8LL << 30), InvalidArgument);
}

}  // namespace
}  // namespace quire
