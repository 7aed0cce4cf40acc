// KV cache groups of several kinds in one manager: full attention beside sliding windows.
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "quire/error.h"
#include "support/cache.h"

namespace quire::test {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

using Windows = std::vector<std::optional<int>>;
constexpr std::nullopt_t kFull = std::nullopt;

CacheConfig cache_config(int block_size = 16) {
  return make_cache_config({.enable_prefix_caching = true, .block_size = block_size});
}

KVCacheConfig with_eagle(KVCacheConfig config) {
  for (KVCacheGroupSpec& group : config.groups)
    group.drops_last_hit_block = true;
  return config;
}

KVCacheConfig kv_config(Windows windows, int num_blocks, int block_size = 16) {
  return make_kv_cache_config(
      {.block_size = block_size, .num_blocks = num_blocks, .windows = std::move(windows)}
  );
}

// What a prompt of three full blocks hits after some cached blocks were forgotten: block b of group
// g has the id 1 + 4 * g + b, because each group takes its four blocks in turn.
struct ForgetCase {
  const char* name;
  std::vector<int> forgotten;
  int num_hit_blocks;
};
class HybridHitTest : public ::testing::TestWithParam<ForgetCase> {};
INSTANTIATE_TEST_SUITE_P(
    Forgotten,
    HybridHitTest,
    ::testing::Values(
        ForgetCase{"OutsideTheWindows", {5, 9}, 3},
        ForgetCase{"FirstOfFull", {1}, 0},
        ForgetCase{"LastOfAll", {3, 7, 11}, 2},
        ForgetCase{"LastOfFull", {3}, 2},
        ForgetCase{"LastOfOneWindow", {7}, 2},
        ForgetCase{"LastOfTheOtherWindow", {11}, 2},
        ForgetCase{"NoLengthSuitsAll", {3, 5, 9}, 0}
    ),
    [](const auto& test) { return std::string(test.param.name); }
);

TEST_P(HybridHitTest, AHitMustDoForEveryGroup) {
  Cache cache(kv_config({kFull, 32, 32}, 21), cache_config());
  const auto request_0 = cache.make(concat(common_prefix(), std::vector<int32_t>(7, 3)));
  ASSERT_TRUE(cache.admit(*request_0));
  cache.manager.free(*request_0);
  for (int id : GetParam().forgotten)
    cache.forget(id);
  const auto request_1 = cache.make(concat(common_prefix(), std::vector<int32_t>(5, 3)));
  const ComputedBlocks& hits = cache.manager.computed_blocks(*request_1);
  EXPECT_EQ(hits.num_tokens, 16 * GetParam().num_hit_blocks);
  for (const std::vector<int>& ids : hits.block_ids)
    EXPECT_EQ(static_cast<int>(ids.size()), GetParam().num_hit_blocks);
}

TEST(HybridCacheTest, NullBlocksStandBeforeTheWindow) {
  Cache cache(kv_config({kFull, 32, 32}, 21), cache_config());
  const auto request_0 = cache.make(concat(common_prefix(), std::vector<int32_t>(7, 3)));
  ASSERT_TRUE(cache.admit(*request_0));
  EXPECT_THAT(cache.blocks(*request_0, 0), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(cache.blocks(*request_0, 1), ElementsAre(5, 6, 7, 8));
  EXPECT_THAT(cache.blocks(*request_0, 2), ElementsAre(9, 10, 11, 12));
  for (int group = 0; group < 3; ++group) {
    for (int block = 0; block < 4; ++block) {
      const KVCacheBlock& held = cache.block(1 + 4 * group + block);
      EXPECT_EQ(held.is_cached, block < 3);
      if (block == 3) continue;
      EXPECT_EQ(held.block_hash, request_0->block_hashes[block]);
      EXPECT_EQ(held.group, group);
    }
  }

  const auto request_1 = cache.make(concat(common_prefix(), std::vector<int32_t>(5, 3)));
  EXPECT_THAT(
      cache.manager.computed_blocks(*request_1).block_ids,
      ElementsAre(ElementsAre(1, 2, 3), ElementsAre(0, 6, 7), ElementsAre(0, 10, 11))
  );
  ASSERT_TRUE(cache.admit(*request_1));
  EXPECT_THAT(cache.new_blocks(*request_1, 0), ElementsAre(13));
  EXPECT_THAT(cache.new_blocks(*request_1, 1), ElementsAre(14));
  EXPECT_THAT(cache.new_blocks(*request_1, 2), ElementsAre(15));
  for (int id : {1, 2, 3, 6, 7, 10, 11})
    EXPECT_EQ(cache.block(id).ref_count, 2) << id;
  EXPECT_EQ(cache.block(5).ref_count, 1);
  cache.manager.check_integrity();
  cache.manager.free(*request_0);
  cache.manager.free(*request_1);
  EXPECT_EQ(cache.manager.pool().num_used_blocks(), 0);
}

class GroupKindsTest : public ::testing::TestWithParam<Windows> {};
INSTANTIATE_TEST_SUITE_P(
    Kinds,
    GroupKindsTest,
    ::testing::Values(
        Windows{kFull, 32},
        Windows{32, 64},
        Windows{kFull, 32, 32},
        Windows{kFull, 32, 64},
        Windows{kFull, kFull, 32},
        Windows{kFull, 32, kFull, 64},
        Windows{64, kFull, 32, kFull},
        Windows{32},
        Windows{kFull, 1}
    )
);

TEST_P(GroupKindsTest, ACommonPrefixIsHitInAllGroups) {
  const int num_groups = static_cast<int>(GetParam().size());
  Cache cache(kv_config(GetParam(), 10 * num_groups), cache_config());
  const auto request_0 = cache.make(concat(common_prefix(), std::vector<int32_t>(7, 3)));
  ASSERT_TRUE(cache.admit(*request_0));
  const auto request_1 = cache.make(concat(common_prefix(), std::vector<int32_t>(5, 4)));
  const ComputedBlocks& hits = cache.manager.computed_blocks(*request_1);
  EXPECT_EQ(hits.num_tokens, 48);
  ASSERT_EQ(static_cast<int>(hits.block_ids.size()), num_groups);
  ASSERT_TRUE(cache.admit(*request_1));
  for (int group = 0; group < num_groups; ++group) {
    EXPECT_EQ(cache.blocks(*request_1, group).size(), 4u);
    EXPECT_EQ(cache.new_blocks(*request_1, group).size(), 1u);
  }
}

// With 6 full blocks: block b of group g has the id 1 + 7 * g + b.
class HybridEagleHitTest : public ::testing::TestWithParam<ForgetCase> {};
INSTANTIATE_TEST_SUITE_P(
    Forgotten,
    HybridEagleHitTest,
    ::testing::Values(
        ForgetCase{"Nothing", {}, 5},
        ForgetCase{"OutsideTheWindows", {8, 15}, 5},
        ForgetCase{"FirstOfFull", {1}, 0},
        ForgetCase{"LastOfAll", {6, 13, 20}, 4},
        ForgetCase{"LastOfFull", {6}, 4},
        ForgetCase{"LastButOneOfOneWindow", {12}, 3},
        ForgetCase{"LastButOneOfTheOtherWindow", {19}, 3},
        ForgetCase{"LastOfFullAndFirstOfWindows", {6, 8, 15}, 4}
    ),
    [](const auto& test) { return std::string(test.param.name); }
);

TEST_P(HybridEagleHitTest, EveryGroupDropsTheLastBlockOnce) {
  Cache cache(with_eagle(kv_config({kFull, 32, 32}, 31)), cache_config());
  const auto request_0 = cache.make(concat(common_prefix(6), std::vector<int32_t>(7, 6)));
  ASSERT_TRUE(cache.admit(*request_0));
  ASSERT_THAT(cache.blocks(*request_0, 2), ElementsAre(15, 16, 17, 18, 19, 20, 21));
  cache.manager.free(*request_0);
  for (int id : GetParam().forgotten)
    cache.forget(id);
  const auto request_1 = cache.make(concat(common_prefix(6), std::vector<int32_t>(5, 6)));
  const ComputedBlocks& hits = cache.manager.computed_blocks(*request_1);
  EXPECT_EQ(hits.num_tokens, 16 * GetParam().num_hit_blocks);
  ASSERT_TRUE(cache.admit(*request_1));
}

TEST(EagleCacheTest, AFullAndAWindowGroupDropOneOfFourBlocks) {
  Cache cache(with_eagle(kv_config({kFull, 32}, 20)), cache_config());
  ASSERT_TRUE(cache.admit(*cache.make(concat(common_prefix(4), std::vector<int32_t>(7, 4)))));
  const auto request = cache.make(concat(common_prefix(4), std::vector<int32_t>(5, 6)));
  EXPECT_EQ(cache.manager.computed_blocks(*request).num_tokens, 48);
}

TEST(EagleCacheTest, TheLastBlockThatIsFoundIsComputedAgain) {
  for (const int num_tokens : {48, 37}) {
    Cache cache(with_eagle(kv_config({kFull}, 10)), cache_config());
    const auto request = cache.make(std::vector<int32_t>(num_tokens, 0));
    ASSERT_TRUE(cache.admit(*request));
    cache.manager.free(*request);
    EXPECT_EQ(cache.hits(*cache.make(std::vector<int32_t>(num_tokens, 0))).size(), 1u);
  }
}

TEST(EagleCacheTest, AWindowNeedsTheBlockThatItDrops) {
  Cache cache(with_eagle(kv_config({16}, 10)), cache_config());
  const auto request = cache.make(std::vector<int32_t>(37, 0));
  ASSERT_TRUE(cache.admit(*request));
  const int first_id = cache.blocks(*request).front();
  cache.manager.free(*request);
  EXPECT_EQ(cache.hits(*cache.make(std::vector<int32_t>(37, 0))).size(), 1u);
  cache.forget(first_id);
  EXPECT_THAT(cache.hits(*cache.make(std::vector<int32_t>(37, 0))), IsEmpty());
}

// Blocks of 4 * `block_size` tokens for full attention beside windows with small ones.
KVCacheConfig mixed_block_sizes(int block_size, int window, bool drops_last_hit_block = false) {
  const KVCacheSpec full{.block_size = 4 * block_size, .num_kv_heads = 1, .head_dim = 16};
  const KVCacheSpec small{
      .block_size = block_size, .num_kv_heads = 4, .head_dim = 16, .sliding_window = window};
  return {
      .num_blocks = 100,
      .groups = {
          {.layer_indices = {0}, .spec = full},
          {.layer_indices = {1}, .spec = small, .drops_last_hit_block = drops_last_hit_block}}};
}

std::set<int> cached_positions(Cache& cache, const Request& request, int group) {
  std::set<int> positions;
  const std::vector<int> ids = cache.blocks(request, group);
  for (int i = 0; i < static_cast<int>(ids.size()); ++i) {
    if (cache.block(ids[i]).is_cached) positions.insert(i);
  }
  return positions;
}

TEST(MixedBlockSizesTest, HitsEndWhereTheBlocksOfAllGroupsDo) {
  KVCacheConfig config = kv_config({kFull, 32}, 100);
  config.groups[0].spec.block_size = 32;
  Cache cache(config, cache_config());
  const std::vector<int32_t> prompt = common_prefix(10);
  const auto request_0 = cache.make(prompt);
  ASSERT_TRUE(cache.admit(*request_0, 7 * 16));
  EXPECT_THAT(cache.blocks(*request_0, 0), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(cache.blocks(*request_0, 1), ElementsAre(5, 6, 7, 8, 9, 10, 11));

  const auto hit_blocks = [&](int num_tokens) {
    const auto request = cache.make({prompt.begin(), prompt.begin() + num_tokens});
    const ComputedBlocks& hits = cache.manager.computed_blocks(*request);
    EXPECT_EQ(hits.num_tokens, static_cast<int>(hits.block_ids[0].size()) * 32);
    EXPECT_EQ(hits.num_tokens, static_cast<int>(hits.block_ids[1].size()) * 16);
    return hits.num_tokens / 16;
  };
  EXPECT_EQ(hit_blocks(7 * 16 + 1), 6);
  EXPECT_EQ(hit_blocks(6 * 16 + 1), 6);
  EXPECT_EQ(hit_blocks(6 * 16), 4);  // the last token is computed in any case
  cache.forget(10);  // tokens 80 to 95 of the window's group
  EXPECT_EQ(hit_blocks(7 * 16 + 1), 4);
}

TEST(MixedBlockSizesTest, OnlyBlocksThatAHitCanReachAreCached) {
  Cache cache(mixed_block_sizes(8, 8), cache_config(8));
  const auto request = cache.make(common_prefix(8, 8));
  ASSERT_TRUE(cache.admit(*request));
  EXPECT_EQ(cached_positions(cache, *request, 0), (std::set<int>{0, 1}));
  EXPECT_EQ(cached_positions(cache, *request, 1), (std::set<int>{3, 7}));
}

TEST(MixedBlockSizesTest, NothingIsCachedBeyondTheLastPlaceWhereAHitMayEnd) {
  Cache cache(mixed_block_sizes(8, 25), cache_config(8));
  const auto request = cache.make(common_prefix(7, 8));
  ASSERT_TRUE(cache.admit(*request));
  EXPECT_EQ(cached_positions(cache, *request, 0), (std::set<int>{0}));
  EXPECT_EQ(cached_positions(cache, *request, 1), (std::set<int>{1, 2, 3}));
  // Nor is it lost: it follows as soon as the place is reached. The window has left the others.
  ASSERT_TRUE(cache.extend(*request, 8));
  EXPECT_EQ(cached_positions(cache, *request, 0), (std::set<int>{0, 1}));
  EXPECT_EQ(cached_positions(cache, *request, 1), (std::set<int>{5, 6, 7}));
}

TEST(MixedBlockSizesTest, ABlockThatAHitWillDropIsCachedToo) {
  Cache cache(mixed_block_sizes(8, 8, /*drops_last_hit_block=*/true), cache_config(8));
  const auto request_0 = cache.make(common_prefix(5, 8));
  ASSERT_TRUE(cache.admit(*request_0));
  EXPECT_TRUE(cached_positions(cache, *request_0, 1).contains(3));
  EXPECT_TRUE(cached_positions(cache, *request_0, 1).contains(4));
  const auto request_1 = cache.make(concat(common_prefix(5, 8), {999}));
  EXPECT_EQ(cache.manager.computed_blocks(*request_1).num_tokens, 32);

  const auto request_2 = cache.make(common_prefix(16, 8));
  ASSERT_TRUE(cache.admit(*request_2));
  EXPECT_EQ(cache.manager.computed_blocks(*cache.make(common_prefix(16, 8))).num_tokens, 96);
}

TEST(MixedBlockSizesTest, BlockSizesMustBeMultiplesOfTheHashesOnes) {
  EXPECT_THROW(Cache(kv_config({kFull}, 20, /*block_size=*/24), cache_config(16)), InternalError);
}

TEST(HybridAdmissionTest, APromptLongerThanTheWindowIsAdmittedWhereItWillBeRecycled) {
  // Blocks for one request of 1024 tokens: 64 for full attention, 13 for the window.
  Cache cache(kv_config({kFull, 64}, 64 + 13 + 1), cache_config(), 1024, 128);
  const auto request = cache.make(token_range(0, 32 * 16));
  const ComputedBlocks& hits = cache.manager.computed_blocks(*request);
  EXPECT_TRUE(cache.manager.can_ever_fit(1024));
  ASSERT_TRUE(cache.manager.allocate_slots(
      *request, {.num_new_tokens = 128, .computed_blocks = &hits, .full_sequence_must_fit = true}
  ));
  request->num_computed_tokens = 128;
  while (request->num_computed_tokens < request->num_tokens())
    ASSERT_TRUE(cache.compute(*request, 128));
  EXPECT_EQ(cache.blocks(*request, 0).size(), 32u);
  EXPECT_EQ(cache.manager.pool().num_used_blocks(), 32 + 12);
}

TEST(HybridAdmissionTest, FullAttentionStillKeepsOutWhatDoesNotFit) {
  Cache cache(kv_config({kFull, 64}, 32 + 13 + 1), cache_config(), 1024, 128);
  const auto request = cache.make(token_range(0, 33 * 16));
  EXPECT_FALSE(cache.manager.can_ever_fit(33 * 16));
  EXPECT_TRUE(cache.manager.can_ever_fit(32 * 16));
  const ComputedBlocks& hits = cache.manager.computed_blocks(*request);
  EXPECT_FALSE(cache.manager.allocate_slots(
      *request, {.num_new_tokens = 128, .computed_blocks = &hits, .full_sequence_must_fit = true}
  ));
}

TEST(HybridCacheTest, BlocksOutsideTheWindowServeOthersButStayCached) {
  Cache cache(kv_config({kFull, 16}, 40), cache_config());
  const auto request = cache.make(token_range(0, 64));
  ASSERT_TRUE(cache.admit(*request));
  const std::vector<int> before = cache.blocks(*request, 1);
  ASSERT_TRUE(cache.extend(*request, 1));
  EXPECT_THAT(cache.blocks(*request, 1), ElementsAre(0, 0, 0, before[3], testing::Gt(0)));
  for (int i : {0, 1, 2}) {
    EXPECT_EQ(cache.block(before[i]).ref_count, 0);
    EXPECT_TRUE(cache.block(before[i]).is_cached);
  }
  // A shorter prompt with the same beginning still hits them.
  EXPECT_THAT(
      cache.manager.computed_blocks(*cache.make(token_range(0, 33))).block_ids[1],
      ElementsAre(0, before[1])
  );
}

TEST(HybridCacheTest, ATokenThatMayBeTakenBackKeepsItsWindow) {
  Cache cache(kv_config({16}, 40), cache_config());
  const auto request = cache.make(token_range(0, 31));
  ASSERT_TRUE(cache.admit(*request));
  // Eight drafts, all of which may be rejected: the next query may be the one at token 31 again.
  request->num_computed_tokens = 39;
  ASSERT_TRUE(cache.manager.allocate_slots(*request, {.num_new_tokens = 1}));
  EXPECT_NE(cache.blocks(*request).front(), BlockPool::kNullBlockId);
}

}  // namespace
}  // namespace quire::test
