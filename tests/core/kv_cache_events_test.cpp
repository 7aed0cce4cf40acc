#include "core/kv_cache_events.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/cache.h"

namespace quire::test {
namespace {

using ::testing::IsEmpty;

CacheConfig with_events(CacheConfig config) {
  config.enable_kv_cache_events = true;
  return config;
}

CacheConfig config_with_events() {
  return with_events(make_cache_config({.enable_prefix_caching = true}));
}

KVCacheConfig kv_config(int num_blocks, std::vector<std::optional<int>> windows = {std::nullopt}) {
  return make_kv_cache_config({.num_blocks = num_blocks, .windows = std::move(windows)});
}

template <class Event>
std::vector<Event> of_kind(const std::vector<KVCacheEvent>& events) {
  std::vector<Event> found;
  for (const KVCacheEvent& event : events) {
    if (const auto* one = std::get_if<Event>(&event)) found.push_back(*one);
  }
  return found;
}

class KVCacheEventsTest : public ::testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(NumBlocks, KVCacheEventsTest, ::testing::Values(2, 3, 10));

TEST_P(KVCacheEventsTest, BlocksAreStoredRemovedAndClearedInTheOrderOfTheirLife) {
  const int num_blocks = GetParam();
  Cache cache(kv_config(num_blocks + 1), config_with_events());
  const auto request_0 = cache.make(token_range(0, 16 * num_blocks));
  ASSERT_TRUE(cache.admit(*request_0));
  std::vector<KVCacheEvent> events = cache.manager.take_events();
  ASSERT_EQ(events.size(), 1u);
  const auto& stored = std::get<BlockStored>(events[0]);
  EXPECT_EQ(stored.block_hashes, request_0->block_hashes);
  EXPECT_EQ(stored.parent_block_hash, std::nullopt);
  EXPECT_EQ(stored.token_ids, request_0->token_ids);
  EXPECT_EQ(stored.block_size, 16);
  EXPECT_EQ(stored.group, 0);
  EXPECT_EQ(stored.sliding_window, std::nullopt);
  EXPECT_THAT(cache.manager.take_events(), IsEmpty());

  // Another prompt takes all of them: each is removed, the last one first, before it is stored.
  cache.manager.free(*request_0);
  const auto request_1 = cache.make(token_range(1000, 16 * num_blocks));
  ASSERT_TRUE(cache.admit(*request_1));
  events = cache.manager.take_events();
  ASSERT_EQ(static_cast<int>(events.size()), num_blocks + 1);
  for (int i = 0; i < num_blocks; ++i) {
    EXPECT_EQ(
        std::get<BlockRemoved>(events[i]),
        (BlockRemoved{request_0->block_hashes[num_blocks - 1 - i], 0})
    );
  }
  EXPECT_EQ(std::get<BlockStored>(events.back()).block_hashes, request_1->block_hashes);

  cache.manager.free(*request_1);
  ASSERT_TRUE(cache.manager.reset_prefix_cache());
  events = cache.manager.take_events();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_TRUE(std::holds_alternative<AllBlocksCleared>(events[0]));
}

TEST(KVCacheEventsTest, ABlockFollowsItsParent) {
  Cache cache(kv_config(11), config_with_events());
  const auto request = cache.make(token_range(0, 20), {.cache_salt = "salt"});
  ASSERT_TRUE(cache.admit(*request));
  EXPECT_EQ(of_kind<BlockStored>(cache.manager.take_events()).at(0).cache_salt, "salt");
  ASSERT_TRUE(cache.extend(*request, 12));
  const auto stored = of_kind<BlockStored>(cache.manager.take_events());
  ASSERT_EQ(stored.size(), 1u);
  EXPECT_EQ(stored[0].parent_block_hash, request->block_hashes[0]);
  EXPECT_EQ(stored[0].block_hashes, std::vector(1, request->block_hashes[1]));
  EXPECT_EQ(stored[0].token_ids.front(), 16);
  EXPECT_EQ(stored[0].cache_salt, "") << "it is a key of the first block";
}

TEST(KVCacheEventsTest, ANullBlockIsNoParent) {
  Cache cache(kv_config(20, {1}), config_with_events());
  const auto request = cache.make(token_range(0, 31));
  ASSERT_TRUE(cache.admit(*request));
  ASSERT_TRUE(cache.extend(*request, 1));  // the window has left the first block
  ASSERT_EQ(cache.blocks(*request).front(), BlockPool::kNullBlockId);
  const auto stored = of_kind<BlockStored>(cache.manager.take_events());
  ASSERT_EQ(stored.size(), 2u);
  EXPECT_EQ(stored[1].block_hashes, std::vector(1, request->block_hashes[1]));
  EXPECT_EQ(stored[1].parent_block_hash, std::nullopt);
}

TEST(KVCacheEventsTest, EveryGroupTellsOfItsOwnBlocks) {
  Cache cache(kv_config(20, {std::nullopt, 32, std::nullopt}), config_with_events());
  const auto request = cache.make(token_range(0, 16));
  ASSERT_TRUE(cache.admit(*request));
  const auto stored = of_kind<BlockStored>(cache.manager.take_events());
  ASSERT_EQ(stored.size(), 3u);
  for (int group = 0; group < 3; ++group) {
    EXPECT_EQ(stored[group].group, group);
    EXPECT_EQ(stored[group].block_hashes, request->block_hashes);
  }
  EXPECT_EQ(stored[1].sliding_window, 32);
  EXPECT_EQ(stored[2].sliding_window, std::nullopt);

  cache.forget(cache.blocks(*request, 1).front());
  const auto removed = of_kind<BlockRemoved>(cache.manager.take_events());
  ASSERT_EQ(removed.size(), 1u);
  EXPECT_EQ(removed[0].group, 1);
}

TEST(KVCacheEventsTest, WhatIsNotAskedForIsNotKept) {
  Cache cache({.enable_prefix_caching = true});
  ASSERT_TRUE(cache.admit(*cache.make(token_range(0, 48))));
  EXPECT_THAT(cache.manager.take_events(), IsEmpty());
}

TEST(KVCacheEventsTest, WithoutAPrefixCacheNothingHappens) {
  Cache cache(kv_config(11), with_events(make_cache_config({.enable_prefix_caching = false})));
  ASSERT_TRUE(cache.admit(*cache.make(token_range(0, 48))));
  EXPECT_THAT(cache.manager.take_events(), IsEmpty());
}

}  // namespace
}  // namespace quire::test
