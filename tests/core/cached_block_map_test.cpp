#include "core/cached_block_map.h"

#include <array>

#include <gtest/gtest.h>

#include "quire/error.h"

namespace quire::test {
namespace {

BlockHash make_hash(uint8_t first, uint8_t last = 0) {
  BlockHash hash;
  hash.bytes.front() = first;
  hash.bytes.back() = last;
  return hash;
}

class CachedBlockMapTest : public ::testing::Test {
 protected:
  CachedBlockMapTest() {
    for (int id = 0; id < 8; ++id)
      blocks_[id].block_id = id;
  }
  KVCacheBlock& insert(int id, const BlockHash& hash, int group = 0) {
    blocks_[id].block_hash = hash;
    blocks_[id].group = group;
    map_.insert(blocks_[id]);
    return blocks_[id];
  }

  std::array<KVCacheBlock, 8> blocks_;
  CachedBlockMap map_{8};
};

TEST_F(CachedBlockMapTest, FindsByHashAndGroup) {
  insert(1, make_hash(1));
  EXPECT_EQ(map_.find(make_hash(1), 0), &blocks_[1]);
  EXPECT_EQ(map_.find(make_hash(1), 1), nullptr);
  EXPECT_EQ(map_.find(make_hash(2), 0), nullptr);
  insert(2, make_hash(1), 1);
  EXPECT_EQ(map_.find(make_hash(1), 1), &blocks_[2]);
  EXPECT_EQ(map_.size(), 2);
}

TEST_F(CachedBlockMapTest, HashesInOneBucketStayApart) {
  // The same first bytes, so the same bucket; the last byte differs.
  for (int id = 0; id < 4; ++id)
    insert(id, make_hash(5, static_cast<uint8_t>(id)));
  map_.erase(blocks_[1]);
  map_.erase(blocks_[3]);
  EXPECT_EQ(map_.find(make_hash(5, 0), 0), &blocks_[0]);
  EXPECT_EQ(map_.find(make_hash(5, 1), 0), nullptr);
  EXPECT_EQ(map_.find(make_hash(5, 2), 0), &blocks_[2]);
  EXPECT_EQ(map_.find(make_hash(5, 3), 0), nullptr);
}

TEST_F(CachedBlockMapTest, TheOldestOfSeveralTwinsIsFound) {
  insert(1, make_hash(7));
  insert(2, make_hash(7));
  insert(3, make_hash(7));
  EXPECT_EQ(map_.size(), 3);
  EXPECT_EQ(map_.find(make_hash(7), 0), &blocks_[1]);
  map_.erase(blocks_[2]);
  EXPECT_EQ(map_.find(make_hash(7), 0), &blocks_[1]);
  map_.erase(blocks_[1]);
  EXPECT_EQ(map_.find(make_hash(7), 0), &blocks_[3]);
  map_.erase(blocks_[3]);
  EXPECT_EQ(map_.find(make_hash(7), 0), nullptr);
  EXPECT_EQ(map_.size(), 0);
}

TEST_F(CachedBlockMapTest, TwinsLeaveTheirBucketInOrder) {
  insert(0, make_hash(5, 1));
  insert(1, make_hash(5, 2));
  insert(2, make_hash(5, 2));
  insert(3, make_hash(5, 3));
  map_.erase(blocks_[1]);
  EXPECT_EQ(map_.find(make_hash(5, 2), 0), &blocks_[2]);
  EXPECT_EQ(map_.find(make_hash(5, 3), 0), &blocks_[3]);
  map_.erase(blocks_[2]);
  EXPECT_EQ(map_.find(make_hash(5, 1), 0), &blocks_[0]);
  EXPECT_EQ(map_.find(make_hash(5, 3), 0), &blocks_[3]);
}

TEST_F(CachedBlockMapTest, DoubleInsertAndEraseAreBugs) {
  insert(1, make_hash(1));
  EXPECT_THROW(map_.insert(blocks_[1]), InternalError);
  map_.erase(blocks_[1]);
  EXPECT_THROW(map_.erase(blocks_[1]), InternalError);
}

}  // namespace
}  // namespace quire::test
