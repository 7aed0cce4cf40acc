#include "core/kv_cache_block.h"

#include <array>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "quire/error.h"

namespace quire::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class FreeBlockQueueTest : public ::testing::Test {
 protected:
  FreeBlockQueueTest() {
    for (int id = 0; id < 6; ++id)
      blocks_[id].block_id = id;
  }
  void append(std::initializer_list<int> ids) {
    for (int id : ids)
      queue_.append(blocks_[id]);
  }

  std::array<KVCacheBlock, 6> blocks_;
  FreeBlockQueue queue_;
};

TEST_F(FreeBlockQueueTest, BlocksLeaveInTheOrderInWhichTheyCame) {
  append({1, 3, 5, 4, 0, 2});
  EXPECT_EQ(queue_.size(), 6);
  for (int id : {1, 3, 5, 4, 0, 2})
    EXPECT_EQ(queue_.pop_front().block_id, id);
  EXPECT_EQ(queue_.size(), 0);
}

TEST_F(FreeBlockQueueTest, ABlockIsRemovedFromAnyPlace) {
  append({0, 1, 2, 3, 4});
  queue_.remove(blocks_[2]);
  EXPECT_THAT(queue_.block_ids(), ElementsAre(0, 1, 3, 4));
  queue_.remove(blocks_[0]);
  EXPECT_THAT(queue_.block_ids(), ElementsAre(1, 3, 4));
  queue_.remove(blocks_[4]);
  EXPECT_THAT(queue_.block_ids(), ElementsAre(1, 3));
  append({2});
  EXPECT_THAT(queue_.block_ids(), ElementsAre(1, 3, 2));
  EXPECT_EQ(queue_.size(), 3);
}

TEST_F(FreeBlockQueueTest, BlocksThatComeBackStandBehindTheOthers) {
  append({0});
  append({4, 5});
  append({1, 2, 3});
  EXPECT_THAT(queue_.block_ids(), ElementsAre(0, 4, 5, 1, 2, 3));
  queue_.remove(blocks_[4]);
  queue_.append(blocks_[4]);
  EXPECT_THAT(queue_.block_ids(), ElementsAre(0, 5, 1, 2, 3, 4));
}

TEST_F(FreeBlockQueueTest, ABlockThatLeftHasNoLinks) {
  append({0, 1, 2});
  const KVCacheBlock& block = queue_.pop_front();
  EXPECT_EQ(block.prev_free, nullptr);
  EXPECT_EQ(block.next_free, nullptr);
}

TEST_F(FreeBlockQueueTest, TheEmptyQueueGivesNothing) {
  EXPECT_THAT(queue_.block_ids(), IsEmpty());
  EXPECT_THROW(queue_.pop_front(), InternalError);
  append({0});
  queue_.pop_front();
  EXPECT_THROW(queue_.pop_front(), InternalError);
}

TEST_F(FreeBlockQueueTest, DoubleAppendAndRemoveAreBugs) {
  append({0});
  EXPECT_THROW(queue_.append(blocks_[0]), InternalError);
  queue_.remove(blocks_[0]);
  EXPECT_THROW(queue_.remove(blocks_[0]), InternalError);
}

}  // namespace
}  // namespace quire::test
