#include "v0/block_allocator.h"

#include <set>

#include <gtest/gtest.h>

#include "quire/error.h"

namespace quire::v0 {
namespace {

BlockHash hash_of(uint8_t value) {
  BlockHash hash;
  hash.bytes[0] = value;
  return hash;
}

TEST(BlockAllocatorTest, EveryBlockIsHandedOutOnce) {
  BlockAllocator allocator(1, 5);
  std::set<int> ids;
  while (allocator.num_free_blocks() > 0)
    ids.insert(allocator.allocate());
  EXPECT_EQ(ids, (std::set<int>{1, 2, 3, 4, 5}));
  EXPECT_DOUBLE_EQ(allocator.usage(), 1.0);
  EXPECT_THROW(allocator.allocate(), InternalError);
}

TEST(BlockAllocatorTest, ABlockIsFreeWhenNobodyHoldsIt) {
  BlockAllocator allocator(0, 3);
  const int id = allocator.allocate();
  allocator.add_reference(id);
  EXPECT_EQ(allocator.ref_count(id), 2);
  allocator.free(id, 1);
  EXPECT_EQ(allocator.num_free_blocks(), 2);
  allocator.free(id, 1);
  EXPECT_EQ(allocator.num_free_blocks(), 3);
  EXPECT_THROW(allocator.free(id, 1), InternalError);
  EXPECT_EQ(allocator.allocate(), id);  // the last freed one is the first taken
}

TEST(BlockAllocatorTest, ACachedBlockIsFoundFreeOrHeld) {
  BlockAllocator allocator(0, 2);
  const int id = allocator.allocate();
  EXPECT_EQ(allocator.cached_block(hash_of(1)), std::nullopt);
  allocator.cache(id, hash_of(1), 4);
  EXPECT_EQ(allocator.cached_block(hash_of(1)), id);
  allocator.free(id, 1);
  EXPECT_EQ(allocator.cached_block(hash_of(1)), id);
  EXPECT_EQ(allocator.num_free_blocks(), 2);
  allocator.add_reference(id);
  EXPECT_EQ(allocator.num_free_blocks(), 1);
  allocator.check_integrity({{id, 1}});
}

TEST(BlockAllocatorTest, BlocksWithoutContentAreTakenBeforeCachedOnesAreEvicted) {
  BlockAllocator allocator(0, 3);
  const int first = allocator.allocate();
  const int second = allocator.allocate();
  allocator.cache(first, hash_of(1), 4);
  allocator.cache(second, hash_of(2), 8);
  allocator.free(first, 1);
  allocator.free(second, 2);
  EXPECT_EQ(allocator.allocate(), 2);
  EXPECT_EQ(allocator.num_cached_blocks(), 2);
  EXPECT_EQ(allocator.allocate(), first);  // the least recently used
  EXPECT_EQ(allocator.cached_block(hash_of(1)), std::nullopt);
  EXPECT_EQ(allocator.cached_block(hash_of(2)), second);
  allocator.check_integrity({{2, 1}, {first, 1}});
}

TEST(BlockAllocatorTest, OfOnePromptTheTailIsEvictedBeforeTheHead) {
  BlockAllocator allocator(0, 3);
  std::vector<int> ids;
  for (int i = 0; i < 3; ++i) {
    ids.push_back(allocator.allocate());
    allocator.cache(ids.back(), hash_of(static_cast<uint8_t>(i)), 4 * (i + 1));
  }
  for (int id : ids)
    allocator.free(id, 1);
  EXPECT_EQ(allocator.allocate(), ids[2]);
  EXPECT_EQ(allocator.allocate(), ids[1]);
  EXPECT_EQ(allocator.allocate(), ids[0]);
}

TEST(BlockAllocatorTest, TheFirstOfTwoBlocksWithTheSameContentIsFound) {
  BlockAllocator allocator(0, 2);
  const int first = allocator.allocate();
  const int second = allocator.allocate();
  allocator.cache(first, hash_of(1), 4);
  allocator.cache(second, hash_of(1), 4);
  EXPECT_EQ(allocator.cached_block(hash_of(1)), first);
  allocator.free(second, 1);
  EXPECT_EQ(allocator.num_cached_blocks(), 1);
  allocator.check_integrity({{first, 1}});
}

TEST(BlockAllocatorTest, TheCacheIsResetOnlyWhenNobodyHoldsABlock) {
  BlockAllocator allocator(0, 2);
  const int id = allocator.allocate();
  allocator.cache(id, hash_of(1), 4);
  EXPECT_FALSE(allocator.reset_cache());
  EXPECT_EQ(allocator.cached_block(hash_of(1)), id);
  allocator.free(id, 1);
  EXPECT_TRUE(allocator.reset_cache());
  EXPECT_EQ(allocator.cached_block(hash_of(1)), std::nullopt);
  EXPECT_EQ(allocator.num_free_blocks(), 2);
  allocator.check_integrity({});
}

}  // namespace
}  // namespace quire::v0
