#include "core/block_pool.h"

#include <array>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "quire/error.h"

namespace quire::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<BlockHash> make_hashes(int n) {
  std::vector<BlockHash> hashes(n);
  for (int i = 0; i < n; ++i)
    hashes[i].bytes[0] = static_cast<uint8_t>(i + 1);
  return hashes;
}

std::vector<int> new_blocks(BlockPool& pool, int n) {
  std::vector<int> ids;
  pool.get_new_blocks(n, ids);
  return ids;
}

TEST(BlockPoolTest, TheNullBlockIsNeverHandedOut) {
  BlockPool pool(5, true);
  EXPECT_EQ(pool.num_usable_blocks(), 4);
  EXPECT_THAT(new_blocks(pool, 4), ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(pool.num_free_blocks(), 0);
  std::vector<int> ids;
  EXPECT_THROW(pool.get_new_blocks(1, ids), InternalError);
  // Standing in a table it is touched and freed with the others, to no effect.
  const std::array with_null{0, 2};
  pool.touch(with_null);
  pool.free_blocks(with_null);
  EXPECT_EQ(pool.block(2).ref_count, 1);
  pool.check_integrity();
}

TEST(BlockPoolTest, UsageIsTheShareOfUsableBlocks) {
  BlockPool pool(11, true);
  EXPECT_DOUBLE_EQ(pool.usage(), 0.0);
  new_blocks(pool, 5);
  EXPECT_DOUBLE_EQ(pool.usage(), 0.5);
  new_blocks(pool, 5);
  EXPECT_DOUBLE_EQ(pool.usage(), 1.0);
}

TEST(BlockPoolTest, TheTailIsFreedFirst) {
  BlockPool pool(5, true);
  pool.free_blocks(new_blocks(pool, 3));
  EXPECT_THAT(pool.free_block_ids(), ElementsAre(4, 3, 2, 1));
  pool.check_integrity();
}

TEST(BlockPoolTest, ABlockIsFreeWhenItsLastHolderLetsGo) {
  BlockPool pool(5, true);
  const std::vector<int> ids = new_blocks(pool, 1);
  pool.touch(ids);
  pool.free_blocks(ids);
  EXPECT_EQ(pool.num_used_blocks(), 1);
  pool.free_blocks(ids);
  EXPECT_EQ(pool.num_used_blocks(), 0);
  EXPECT_THROW(pool.free_blocks(ids), InternalError);
}

TEST(BlockPoolTest, CachedBlocksAreFoundUntilTheyAreHandedOutAgain) {
  BlockPool pool(4, true);
  const std::vector<BlockHash> hashes = make_hashes(3);
  const std::vector<int> ids = new_blocks(pool, 3);
  pool.cache_full_blocks(ids, {hashes}, 0, 2, /*group=*/0);
  EXPECT_EQ(pool.num_cached_blocks(), 2);
  pool.cache_full_blocks(ids, {hashes}, 2, 3, /*group=*/0);
  EXPECT_EQ(pool.num_cached_blocks(), 3);
  pool.free_blocks(ids);
  EXPECT_EQ(pool.cached_block(hashes[2], 0), 3);
  EXPECT_EQ(pool.cached_block(hashes[2], 1), std::nullopt);

  EXPECT_THAT(new_blocks(pool, 1), ElementsAre(3));
  EXPECT_EQ(pool.cached_block(hashes[2], 0), std::nullopt);
  EXPECT_EQ(pool.cached_block(hashes[1], 0), 2);
  EXPECT_EQ(pool.num_cached_blocks(), 2);
  pool.check_integrity();
}

TEST(BlockPoolTest, EveryGroupCachesItsOwnBlocks) {
  BlockPool pool(10, true);
  const std::vector<BlockHash> hashes = make_hashes(3);
  const std::vector<int> first = new_blocks(pool, 3);
  const std::vector<int> second = new_blocks(pool, 3);
  pool.cache_full_blocks(first, {hashes}, 0, 2, /*group=*/0);
  pool.cache_full_blocks(second, {hashes}, 0, 2, /*group=*/1);
  EXPECT_EQ(pool.num_cached_blocks(), 4);
  EXPECT_EQ(pool.cached_block(hashes[1], 0), first[1]);
  EXPECT_EQ(pool.cached_block(hashes[1], 1), second[1]);
  pool.cache_full_blocks(first, {hashes}, 2, 3, 0);
  EXPECT_EQ(pool.cached_block(hashes[2], 0), first[2]);
  EXPECT_EQ(pool.cached_block(hashes[2], 1), std::nullopt);
  pool.uncache(first[1]);
  EXPECT_EQ(pool.cached_block(hashes[1], 0), std::nullopt);
  EXPECT_EQ(pool.cached_block(hashes[1], 1), second[1]);
  pool.check_integrity();
}

TEST(BlockPoolTest, ALargerBlockGoesByTheHashOfItsLastPart) {
  BlockPool pool(5, true);
  const std::vector<BlockHash> hashes = make_hashes(5);
  const std::vector<int> ids = new_blocks(pool, 2);
  EXPECT_EQ((BlockHashes{hashes, 2}.size()), 2);
  pool.cache_full_blocks(ids, {hashes, 2}, 0, 2, 0);
  EXPECT_EQ(pool.cached_block(hashes[1], 0), ids[0]);
  EXPECT_EQ(pool.cached_block(hashes[3], 0), ids[1]);
  EXPECT_EQ(pool.cached_block(hashes[0], 0), std::nullopt);
}

TEST(BlockPoolTest, EvictingOneOfTwoTwinsKeepsTheOther) {
  BlockPool pool(4, true);
  const std::vector<BlockHash> hashes = make_hashes(1);
  const std::vector<int> first = new_blocks(pool, 1);
  const std::vector<int> second = new_blocks(pool, 1);
  pool.cache_full_blocks(first, {hashes}, 0, 1, 0);
  pool.cache_full_blocks(second, {hashes}, 0, 1, 0);
  EXPECT_EQ(pool.num_cached_blocks(), 2);
  EXPECT_EQ(pool.cached_block(hashes[0], 0), 1);
  pool.uncache(1);
  EXPECT_EQ(pool.cached_block(hashes[0], 0), 2);
  pool.uncache(2);
  EXPECT_EQ(pool.cached_block(hashes[0], 0), std::nullopt);
  pool.check_integrity();
}

TEST(BlockPoolTest, TouchingRevivesAFreeBlock) {
  BlockPool pool(4, true);
  const std::vector<BlockHash> hashes = make_hashes(1);
  const std::vector<int> ids = new_blocks(pool, 1);
  pool.cache_full_blocks(ids, {hashes}, 0, 1, 0);
  pool.free_blocks(ids);
  pool.touch(ids);
  EXPECT_THAT(pool.free_block_ids(), ElementsAre(2, 3));
  EXPECT_EQ(pool.cached_block(hashes[0], 0), 1);
  pool.check_integrity();
}

TEST(BlockPoolTest, ResetWaitsUntilNothingIsInUse) {
  BlockPool pool(4, true);
  const std::vector<BlockHash> hashes = make_hashes(2);
  const std::vector<int> ids = new_blocks(pool, 2);
  pool.cache_full_blocks(ids, {hashes}, 0, 2, 0);
  EXPECT_FALSE(pool.reset_prefix_cache());
  EXPECT_EQ(pool.num_cached_blocks(), 2);
  pool.free_blocks(ids);
  EXPECT_TRUE(pool.reset_prefix_cache());
  EXPECT_EQ(pool.num_cached_blocks(), 0);
  EXPECT_EQ(pool.cached_block(hashes[0], 0), std::nullopt);
  pool.check_integrity();
}

TEST(BlockPoolTest, WithoutCachingNothingIsFound) {
  BlockPool pool(4, false);
  const std::vector<BlockHash> hashes = make_hashes(1);
  pool.cache_full_blocks(new_blocks(pool, 1), {hashes}, 0, 1, 0);
  EXPECT_EQ(pool.num_cached_blocks(), 0);
  EXPECT_EQ(pool.cached_block(hashes[0], 0), std::nullopt);
}

TEST(BlockPoolTest, APoolNeedsABlockBesideTheNullBlock) {
  EXPECT_THROW(BlockPool(1, true), InternalError);
}

}  // namespace
}  // namespace quire::test
