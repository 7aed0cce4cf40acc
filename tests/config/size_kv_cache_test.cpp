// How layers come into KV cache groups, and what that costs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/resolve.h"
#include "quire/error.h"

namespace quire {
namespace {

using ::testing::HasSubstr;
using Layers = std::vector<std::vector<int>>;
using Specs = std::vector<KVCacheSpec>;

constexpr DeviceInfo kMachine{.total_memory_bytes = 64LL << 30, .num_cpus = 2};

ResolvedConfig config_for(EngineConfig wish, int max_model_len = 16384) {
  ModelConfig model;
  model.max_position_embeddings = max_model_len;
  model.dtype = DType::kBFloat16;
  return resolve(wish, model, kMachine, UsageContext::kLlm, false);
}

KVCacheSpec layer(std::optional<int> window = std::nullopt, int num_kv_heads = 2) {
  return {
      .num_kv_heads = num_kv_heads,
      .head_dim = 64,
      .dtype = DType::kBFloat16,
      .sliding_window = window};
}

// f: full attention, s: a window of 1024 tokens, t: one of 512.
Specs layers(std::string_view kinds) {
  Specs specs;
  for (char kind : kinds) {
    specs.push_back(layer(
        kind == 's'   ? std::optional(1024)
        : kind == 't' ? 512
                      : std::optional<int>()
    ));
  }
  return specs;
}

Layers groups_of(const Specs& specs, EngineConfig wish = {}) {
  wish.num_gpu_blocks_override = 1000;
  Layers groups;
  for (const KVCacheGroupSpec& group : size_kv_cache(config_for(wish), specs, 0).groups)
    groups.push_back(group.layer_indices);
  return groups;
}

TEST(KVCacheGroupsTest, LayersOfOneKindAreOneGroup) {
  EXPECT_EQ(groups_of(layers("fff")), (Layers{{0, 1, 2}}));
  EXPECT_EQ(groups_of(layers("sss")), (Layers{{0, 1, 2}}));
}

TEST(KVCacheGroupsTest, TheSmallerKindSetsTheSizeOfAllGroups) {
  EXPECT_EQ(groups_of(layers("sf")), (Layers{{1}, {0}}));
  EXPECT_EQ(groups_of(layers("sssssf")), (Layers{{5}, {0}, {1}, {2}, {3}, {4}}));
  // Five with a window to one without, as in Gemma 3: dealt out in turn.
  EXPECT_EQ(
      groups_of(layers("sssssfsssssf")), (Layers{{5, 11}, {0, 6}, {1, 7}, {2, 8}, {3, 9}, {4, 10}})
  );
  EXPECT_EQ(groups_of(layers("fsst")), (Layers{{0}, {1}, {2}, {3}}));
}

TEST(KVCacheGroupsTest, KindsOfNearlyOneSizeBecomeAGroupEach) {
  EXPECT_EQ(groups_of(layers("fsfsfss")), (Layers{{0, 2, 4}, {1, 3, 5, 6}}));
  // One and a half times as many are not near: two groups of two and one.
  EXPECT_EQ(groups_of(layers("fsfss")), (Layers{{0, 2}, {1, 4}, {3}}));
}

TEST(KVCacheGroupsTest, WithoutTheHybridManagerAllLayersKeepAllTokens) {
  const EngineConfig wish{.disable_hybrid_kv_cache_manager = true};
  EXPECT_EQ(groups_of(layers("sfsf"), wish), (Layers{{0, 1, 2, 3}}));
  EXPECT_EQ(groups_of(layers("st"), wish), (Layers{{0, 1}}));
  const ResolvedConfig config = config_for(wish);
  EXPECT_EQ(size_kv_cache(config, layers("sf"), 0).groups[0].spec.sliding_window, std::nullopt);
  // Where every layer has the same window nothing is hybrid.
  EXPECT_EQ(size_kv_cache(config, layers("ss"), 0).groups[0].spec.sliding_window, 1024);
}

TEST(KVCacheGroupsTest, ABlockIsAsLargeInEveryGroup) {
  const ResolvedConfig config = config_for({.num_gpu_blocks_override = 1000});
  const KVCacheConfig cache = size_kv_cache(config, Specs{layer({}, 4), layer(1024, 2)}, 0);
  ASSERT_EQ(cache.groups.size(), 2u);
  EXPECT_EQ(cache.groups[0].spec.block_size, 16);
  EXPECT_EQ(cache.groups[1].spec.block_size, 32);
  EXPECT_EQ(cache.groups[0].spec.block_bytes(), cache.groups[1].spec.block_bytes());
  EXPECT_EQ(kv_cache_num_bytes(cache), 1000 * cache.groups[0].spec.block_bytes());
}

TEST(KVCacheGroupsTest, GroupsShareTheMemory) {
  const ResolvedConfig config = config_for({.num_gpu_blocks_override = 10});
  const int64_t layer_block = layer().block_bytes();
  EXPECT_EQ(kv_cache_num_bytes(size_kv_cache(config, layers("ffff"), 0)), 10 * 4 * layer_block);
  EXPECT_EQ(kv_cache_num_bytes(size_kv_cache(config, layers("sfsf"), 0)), 10 * 2 * layer_block);
}

TEST(KVCacheSizeTest, AWindowTakesWhatItAndAStepSee) {
  const SchedulerConfig scheduler{.max_num_batched_tokens = 1024, .max_model_len = 16384};
  const auto blocks_of = [&](const char* kinds) {
    const KVCacheConfig cache =
        size_kv_cache(config_for({.num_gpu_blocks_override = 10}), layers(kinds), 0);
    return num_blocks_of_request(cache, scheduler, scheduler.max_model_len);
  };
  EXPECT_EQ(blocks_of("ff"), 1024);
  EXPECT_EQ(blocks_of("ss"), 129);
  EXPECT_EQ(blocks_of("fs"), 1024 + 129);
}

TEST(KVCacheSizeTest, ConcurrencyCountsTheBlocksOfWholeRequests) {
  const SchedulerConfig scheduler{.max_num_batched_tokens = 1024, .max_model_len = 16384};
  const auto concurrency_of = [&](const char* kinds, int num_blocks) {
    const EngineConfig wish{.num_gpu_blocks_override = num_blocks};
    return max_concurrency(size_kv_cache(config_for(wish), layers(kinds), 0), scheduler);
  };
  EXPECT_DOUBLE_EQ(concurrency_of("ff", 1536 + 1), 1.5);
  EXPECT_DOUBLE_EQ(concurrency_of("ss", 3 * 129 + 1), 3.0);
  EXPECT_DOUBLE_EQ(concurrency_of("fs", 3 * (1024 + 129) + 1), 3.0);
}

TEST(KVCacheSizeTest, ThirtyTwoLayersOfThirtyTwoHeadsTakeEightGibFor16384Tokens) {
  KVCacheSpec spec = layer(std::nullopt, 32);
  spec.head_dim = 128;
  const Specs specs(32, spec);
  EngineConfig wish{.kv_cache_memory_bytes = (8LL << 30) + 32 * spec.block_bytes()};
  EXPECT_EQ(size_kv_cache(config_for(wish), specs, 0).num_blocks, 1024 + 1);
  *wish.kv_cache_memory_bytes -= 1;
  try {
    size_kv_cache(config_for(wish), specs, 0);
    FAIL() << "one block is missing";
  } catch (const InvalidArgument& error) {
    EXPECT_THAT(error.what(), HasSubstr("8.01 GiB KV cache is needed"));
    EXPECT_THAT(error.what(), HasSubstr("estimated maximum model length is 16368"));
  }
}

TEST(KVCacheSizeTest, TheLengthThatFitsCountsAllGroups) {
  // 100 usable blocks: 33 + 1 + 33 … a token more needs a block in each of three groups.
  const int64_t block_bytes = layer().block_bytes();
  const EngineConfig wish{.kv_cache_memory_bytes = 101 * block_bytes};
  try {
    size_kv_cache(config_for(wish), layers("fss"), 0);
    FAIL() << "100 blocks cannot hold 16384 tokens";
  } catch (const InvalidArgument& error) {
    EXPECT_THAT(error.what(), HasSubstr("estimated maximum model length is 528"));
  }
}

TEST(KVCacheSizeTest, AskedToTheLengthIsWhatTheCacheHolds) {
  const auto length_of = [](EngineConfig wish) {
    const ResolvedConfig config = config_for(wish);
    const KVCacheConfig cache = size_kv_cache(config, layers("fss"), 0);
    return fit_max_model_len(config, cache).scheduler.max_model_len;
  };
  const int64_t block_bytes = layer().block_bytes();
  EXPECT_EQ(length_of({.max_model_len = -1, .kv_cache_memory_bytes = 101 * block_bytes}), 528);
  EXPECT_EQ(length_of({.max_model_len = -1, .num_gpu_blocks_override = 4}), 16);
  EXPECT_EQ(length_of({.max_model_len = -1}), 16384) << "never beyond the model's";
  EXPECT_EQ(length_of({.max_model_len = 100, .num_gpu_blocks_override = 4}), 100) << "not asked";
  EXPECT_THROW(length_of({.max_model_len = -1, .num_gpu_blocks_override = 3}), InvalidArgument);
}

TEST(KVCacheSizeTest, AWindowLetsLongRequestsFit) {
  const int64_t block_bytes = layer().block_bytes();
  EngineConfig wish{.kv_cache_memory_bytes = 130 * 2 * block_bytes, .max_num_batched_tokens = 1024};
  EXPECT_EQ(size_kv_cache(config_for(wish), layers("ss"), 0).num_blocks, 130);
  EXPECT_THROW(size_kv_cache(config_for(wish), layers("ff"), 0), InvalidArgument);
}

TEST(KVCacheSizeTest, UnlessAskedForThePoolHoldsAllRequestsAndNoMore) {
  const EngineConfig wish{.max_model_len = 2048, .max_num_batched_tokens = 1024, .max_num_seqs = 4};
  const KVCacheConfig cache = size_kv_cache(config_for(wish), layers("fs"), 0);
  EXPECT_EQ(cache.num_blocks, 4 * (128 + 128) + 1) << "the window needs 129, but there are 128";
}

}  // namespace
}  // namespace quire
