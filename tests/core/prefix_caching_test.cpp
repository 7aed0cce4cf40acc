// The KV cache manager: hits, allocation, eviction order.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "quire/error.h"
#include "support/cache.h"

namespace quire::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class PrefixCachingTest : public ::testing::TestWithParam<PrefixCachingHashAlgo> {};
INSTANTIATE_TEST_SUITE_P(
    Algorithms,
    PrefixCachingTest,
    ::testing::Values(
        PrefixCachingHashAlgo::kSha256,
        PrefixCachingHashAlgo::kSha256Cbor,
        PrefixCachingHashAlgo::kXxhash
    )
);

TEST_P(PrefixCachingTest, PromptsShareFullBlocksAndAreEvictedFromTheTail) {
  Cache cache({.enable_prefix_caching = true, .prefix_caching_hash_algo = GetParam()});
  const auto request_0 = cache.make(concat(common_prefix(), std::vector<int32_t>(7, 3)));
  EXPECT_THAT(cache.hits(*request_0), IsEmpty());
  ASSERT_TRUE(cache.admit(*request_0));
  EXPECT_THAT(cache.blocks(*request_0), ElementsAre(1, 2, 3, 4));
  for (int id : {1, 2, 3}) {
    EXPECT_TRUE(cache.block(id).is_cached);
    EXPECT_EQ(cache.block(id).block_hash, request_0->block_hashes[id - 1]);
    EXPECT_EQ(cache.block(id).ref_count, 1);
  }
  EXPECT_FALSE(cache.block(4).is_cached);

  const auto request_1 = cache.make(concat(common_prefix(), std::vector<int32_t>(5, 3)));
  EXPECT_THAT(cache.hits(*request_1), ElementsAre(1, 2, 3));
  ASSERT_TRUE(cache.admit(*request_1));
  EXPECT_THAT(cache.new_blocks(*request_1), ElementsAre(5));
  for (int id : {1, 2, 3})
    EXPECT_EQ(cache.block(id).ref_count, 2);
  EXPECT_EQ(cache.manager.pool().num_free_blocks(), 5);

  cache.manager.free(*request_0);
  cache.manager.free(*request_1);
  EXPECT_THAT(cache.manager.pool().free_block_ids(), ElementsAre(6, 7, 8, 9, 10, 4, 5, 3, 2, 1));

  const auto request_2 = cache.make(concat(common_prefix(), std::vector<int32_t>(6, 3)));
  EXPECT_THAT(cache.hits(*request_2), ElementsAre(1, 2, 3));
  ASSERT_TRUE(cache.admit(*request_2));
  EXPECT_THAT(cache.new_blocks(*request_2), ElementsAre(6));
  EXPECT_EQ(cache.manager.pool().num_free_blocks(), 6);
  cache.manager.free(*request_2);

  const auto request_3 = cache.make(std::vector<int32_t>(160, 99));
  EXPECT_THAT(cache.hits(*request_3), IsEmpty());
  ASSERT_TRUE(cache.admit(*request_3));
  EXPECT_THAT(cache.blocks(*request_3), ElementsAre(7, 8, 9, 10, 4, 5, 6, 3, 2, 1));
  EXPECT_EQ(cache.manager.pool().num_free_blocks(), 0);
}

TEST(PrefixCacheTest, PromptLogprobsGetNoHitButFillTheCache) {
  Cache cache({.enable_prefix_caching = true});
  const auto request_0 =
      cache.make(concat(common_prefix(), std::vector<int32_t>(7, 3)), {.prompt_logprobs = 5});
  EXPECT_THAT(cache.hits(*request_0), IsEmpty());
  ASSERT_TRUE(cache.admit(*request_0));
  const auto request_1 = cache.make(concat(common_prefix(), std::vector<int32_t>(5, 3)));
  EXPECT_THAT(cache.hits(*request_1), ElementsAre(1, 2, 3));
  ASSERT_TRUE(cache.admit(*request_1));

  const auto request_2 =
      cache.make(concat(common_prefix(), std::vector<int32_t>(6, 3)), {.prompt_logprobs = 5});
  EXPECT_THAT(cache.hits(*request_2), IsEmpty());
  ASSERT_TRUE(cache.admit(*request_2));
  // Twins: the same content in other blocks, held once.
  EXPECT_THAT(cache.blocks(*request_2), ElementsAre(6, 7, 8, 9));
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(cache.block(6 + i).block_hash, cache.block(1 + i).block_hash);
    EXPECT_EQ(cache.block(6 + i).ref_count, 1);
  }
}

TEST(PrefixCacheTest, DecodingFillsABlockAndOpensTheNext) {
  Cache cache({.enable_prefix_caching = true});
  const auto request = cache.make(concat(common_prefix(), std::vector<int32_t>(7, 3)));
  ASSERT_TRUE(cache.admit(*request));
  ASSERT_TRUE(cache.extend(*request, 4));
  EXPECT_THAT(cache.new_blocks(*request), IsEmpty());
  EXPECT_FALSE(cache.block(4).is_cached);

  ASSERT_TRUE(cache.extend(*request, 19));
  EXPECT_THAT(cache.new_blocks(*request), ElementsAre(5));
  EXPECT_TRUE(cache.block(4).is_cached);
  EXPECT_FALSE(cache.block(5).is_cached);
}

TEST(PrefixCacheTest, FreedBlocksAreEvictedInOrder) {
  Cache cache({.enable_prefix_caching = true});
  const auto request_0 = cache.make(token_range(0, 87));
  const auto request_1 = cache.make(token_range(87, 48));
  ASSERT_TRUE(cache.admit(*request_0));
  ASSERT_TRUE(cache.admit(*request_1));
  EXPECT_EQ(cache.blocks(*request_0).size(), 6u);
  EXPECT_EQ(cache.manager.pool().num_free_blocks(), 1);
  cache.manager.free(*request_0);
  cache.manager.free(*request_1);
  EXPECT_THAT(cache.manager.pool().free_block_ids(), ElementsAre(10, 6, 5, 4, 3, 2, 1, 9, 8, 7));
  const auto request_2 = cache.make(token_range(0, 35));
  EXPECT_THAT(cache.hits(*request_2), ElementsAre(1, 2));
  ASSERT_TRUE(cache.admit(*request_2));
  EXPECT_THAT(cache.new_blocks(*request_2), ElementsAre(10));
  EXPECT_EQ(cache.manager.pool().num_free_blocks(), 7);
}

TEST(PrefixCacheTest, AReusedBlockLosesItsHash) {
  Cache cache({.enable_prefix_caching = true}, /*num_blocks=*/2);
  const auto request_0 = cache.make(token_range(0, 16));
  ASSERT_TRUE(cache.admit(*request_0));
  EXPECT_TRUE(cache.block(1).is_cached);
  cache.manager.free(*request_0);
  const auto request_1 = cache.make(token_range(256, 15));
  ASSERT_TRUE(cache.admit(*request_1));
  EXPECT_THAT(cache.blocks(*request_1), ElementsAre(1));
  EXPECT_FALSE(cache.block(1).is_cached);
}

TEST(PrefixCacheTest, AHitBlockIsNotEvictedForTheSameRequest) {
  Cache cache({.enable_prefix_caching = true}, /*num_blocks=*/3);
  const auto request_0 = cache.make(token_range(0, 16));
  const auto request_1 = cache.make(token_range(16, 16));
  ASSERT_TRUE(cache.admit(*request_0));
  ASSERT_TRUE(cache.admit(*request_1));
  cache.manager.free(*request_0);
  cache.manager.free(*request_1);
  // Block 1 is the next in line for eviction, and a hit.
  const auto request_2 = cache.make(token_range(0, 32));
  EXPECT_THAT(cache.hits(*request_2), ElementsAre(1));
  ASSERT_TRUE(cache.admit(*request_2));
  EXPECT_THAT(cache.blocks(*request_2), ElementsAre(1, 2));
}

TEST(PrefixCacheTest, WithoutCachingNothingIsHit) {
  Cache cache({.enable_prefix_caching = false, .block_size = 4}, /*num_blocks=*/5);
  const auto request_0 = cache.make(token_range(0, 10));
  ASSERT_TRUE(cache.admit(*request_0));
  EXPECT_EQ(cache.blocks(*request_0).size(), 3u);
  cache.manager.free(*request_0);
  const auto request_1 = cache.make(token_range(0, 16));
  EXPECT_THAT(cache.hits(*request_1), IsEmpty());
  ASSERT_TRUE(cache.admit(*request_1));
  EXPECT_EQ(cache.blocks(*request_1).size(), 4u);
  const auto request_2 = cache.make(token_range(0, 4));
  EXPECT_FALSE(cache.admit(*request_2));
}

TEST(PrefixCacheTest, NothingChangesWhenHitsAndNewBlocksDoNotFit) {
  Cache cache({.enable_prefix_caching = true});
  const std::vector<int32_t> common = common_prefix();
  const auto request_0 = cache.make(common);
  const auto request_1 = cache.make(concat(common, common));
  ASSERT_TRUE(cache.admit(*request_0));
  const std::vector<int> part_0 = cache.blocks(*request_0);
  ASSERT_TRUE(cache.admit(*request_1));
  const std::vector<int> part_1 = cache.new_blocks(*request_1);
  ASSERT_EQ(part_1.size(), 3u);
  cache.manager.free(*request_1);
  const auto request_2 = cache.make(std::vector<int32_t>(32, 7));
  ASSERT_TRUE(cache.admit(*request_2));
  EXPECT_EQ(cache.manager.pool().num_free_blocks(), 5);

  // 6 hits, 3 of them free, and 3 new ones: 6 of the 5 free blocks.
  const auto request_3 = cache.make(concat(concat(common, common), common));
  EXPECT_EQ(cache.hits(*request_3).size(), 6u);
  const std::vector<int> free_before = cache.manager.pool().free_block_ids();
  EXPECT_FALSE(cache.admit(*request_3));
  for (int id : part_0)
    EXPECT_EQ(cache.block(id).ref_count, 1);
  for (int id : part_1)
    EXPECT_EQ(cache.block(id).ref_count, 0);
  EXPECT_EQ(cache.manager.pool().free_block_ids(), free_before);
  EXPECT_THAT(cache.blocks(*request_3), IsEmpty());
}

TEST(PrefixCacheTest, TheSaltKeepsPromptsApart) {
  Cache cache({.enable_prefix_caching = true});
  const std::vector<int32_t> prompt = concat(common_prefix(), std::vector<int32_t>(7, 3));
  const auto request_0 = cache.make(prompt, {.cache_salt = "salt1"});
  ASSERT_TRUE(cache.admit(*request_0));
  EXPECT_THAT(cache.hits(*cache.make(prompt, {.cache_salt = "salt1"})), ElementsAre(1, 2, 3));
  EXPECT_THAT(cache.hits(*cache.make(prompt, {.cache_salt = "salt2"})), IsEmpty());
  EXPECT_THAT(cache.hits(*cache.make(prompt)), IsEmpty());
}

TEST(PrefixCacheTest, AFullyCachedPromptLosesItsLastBlock) {
  Cache cache({.enable_prefix_caching = true});
  const auto request_0 = cache.make(common_prefix());
  ASSERT_TRUE(cache.admit(*request_0));
  EXPECT_THAT(cache.hits(*cache.make(common_prefix())), ElementsAre(1, 2));
  EXPECT_THAT(cache.hits(*cache.make(concat(common_prefix(), {9}))), ElementsAre(1, 2, 3));
}

TEST(PrefixCacheTest, ResetForgetsEverythingOnceNothingIsHeld) {
  Cache cache({.enable_prefix_caching = true});
  const auto request = cache.make(token_range(0, 55));
  ASSERT_TRUE(cache.admit(*request));
  EXPECT_FALSE(cache.manager.reset_prefix_cache());
  EXPECT_EQ(cache.manager.pool().num_cached_blocks(), 3);
  cache.manager.free(*request);
  EXPECT_TRUE(cache.manager.reset_prefix_cache());
  EXPECT_EQ(cache.manager.pool().num_cached_blocks(), 0);
  EXPECT_THAT(cache.hits(*cache.make(token_range(0, 55))), IsEmpty());
}

TEST(PrefixCacheTest, LookaheadTokensGetSlotsButAreNotCached) {
  for (int num_lookahead_tokens : {2, 4}) {
    Cache cache({.enable_prefix_caching = true, .block_size = 4});
    const auto request = cache.make(token_range(0, 3));
    const ComputedBlocks& hits = cache.manager.computed_blocks(*request);
    ASSERT_TRUE(cache.manager.allocate_slots(
        *request,
        {.num_new_tokens = 3,
         .computed_blocks = &hits,
         .num_lookahead_tokens = num_lookahead_tokens}
    ));
    EXPECT_EQ(cache.blocks(*request).size(), 2u);
    EXPECT_EQ(cache.manager.pool().num_cached_blocks(), 0);
  }
}

TEST(PrefixCacheTest, DraftsAreNotCached) {
  Cache cache({.enable_prefix_caching = true, .block_size = 4});
  const auto request = cache.make(token_range(0, 3));
  ASSERT_TRUE(cache.admit(*request));
  request->token_ids.push_back(3);
  cache.hasher.update_block_hashes(*request);
  request->draft_token_ids = {4, 5, 6, 7};
  ASSERT_TRUE(cache.manager.allocate_slots(*request, {.num_new_tokens = 5}));
  EXPECT_EQ(cache.blocks(*request).size(), 2u);
  EXPECT_EQ(cache.manager.pool().num_cached_blocks(), 1);
}

TEST(PrefixCacheTest, TheFullSequenceMustFitIfAskedFor) {
  Cache cache({.enable_prefix_caching = true});
  const auto request = cache.make(token_range(0, 176));  // 11 blocks, the cache has 10
  for (bool full_sequence_must_fit : {true, false}) {
    const ComputedBlocks& hits = cache.manager.computed_blocks(*request);
    EXPECT_NE(
        cache.manager.allocate_slots(
            *request,
            {.num_new_tokens = 16,
             .computed_blocks = &hits,
             .full_sequence_must_fit = full_sequence_must_fit}
        ),
        full_sequence_must_fit
    );
  }
  EXPECT_FALSE(cache.manager.can_ever_fit(161));
  EXPECT_TRUE(cache.manager.can_ever_fit(160));
}

TEST(PrefixCacheTest, CommonPrefixBlocksAreThoseThatAllHold) {
  Cache cache({.enable_prefix_caching = true}, /*num_blocks=*/20);
  const auto request_0 = cache.make(concat(common_prefix(), {1}));
  const auto request_1 = cache.make(concat(common_prefix(), {2}));
  const auto request_2 = cache.make(concat(std::vector<int32_t>(16, 0), {3}));
  const auto count = [&](std::vector<Request*> running) {
    std::vector<int> num_blocks;
    cache.manager.common_prefix_blocks(running, num_blocks);
    return num_blocks;
  };
  ASSERT_TRUE(cache.admit(*request_0));
  EXPECT_THAT(count({request_0.get()}), ElementsAre(0));
  ASSERT_TRUE(cache.admit(*request_1));
  EXPECT_THAT(count({request_0.get(), request_1.get()}), ElementsAre(3));
  ASSERT_TRUE(cache.admit(*request_2));
  EXPECT_THAT(count({request_0.get(), request_1.get(), request_2.get()}), ElementsAre(1));
}

TEST(PrefixCacheTest, AHitNeedsTheBlocksOfAllGroups) {
  Cache cache(
      {.enable_prefix_caching = true, .windows = {std::nullopt, std::nullopt}}, /*num_blocks=*/9
  );
  const auto request_0 = cache.make(common_prefix());
  ASSERT_TRUE(cache.admit(*request_0));
  EXPECT_THAT(to_vector(cache.manager.block_ids(*request_0, 1)), ElementsAre(4, 5, 6));
  const auto request_1 = cache.make(concat(common_prefix(), {1}));
  EXPECT_THAT(cache.hits(*request_1, 0), ElementsAre(1, 2, 3));
  EXPECT_THAT(cache.hits(*request_1, 1), ElementsAre(4, 5, 6));

  // Freed group after group, from the tail: 7 8 | 3 2 1 | 6 5 4. Four are taken.
  cache.manager.free(*request_0);
  const auto request_2 = cache.make(token_range(100, 32));
  ASSERT_TRUE(cache.admit(*request_2));
  EXPECT_THAT(cache.hits(*request_1, 0), ElementsAre(1));
  EXPECT_THAT(cache.hits(*request_1, 1), ElementsAre(4));
}

TEST(PrefixCacheTest, GroupsMustHaveTheCachesBlockSize) {
  KVCacheConfig config = make_kv_cache_config({.block_size = 16});
  EXPECT_THROW(KVCacheManager(config, {.block_size = 32}, 100), InternalError);
}

}  // namespace
}  // namespace quire::test
