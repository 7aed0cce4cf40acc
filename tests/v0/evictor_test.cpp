#include "v0/evictor.h"

#include <gtest/gtest.h>

#include "quire/error.h"

namespace quire::v0 {
namespace {

TEST(EvictorTest, TheLeastRecentlyUsedGoesFirst) {
  Evictor evictor;
  evictor.add(1, 16, 30);
  evictor.add(2, 16, 10);
  evictor.add(3, 16, 20);
  EXPECT_EQ(evictor.evict(), 2);
  EXPECT_EQ(evictor.evict(), 3);
  EXPECT_EQ(evictor.evict(), 1);
  EXPECT_EQ(evictor.size(), 0);
  EXPECT_THROW(evictor.evict(), InternalError);
}

TEST(EvictorTest, OfEquallyRecentOnesTheDeepestGoesFirst) {
  Evictor evictor;
  evictor.add(1, 16, 5);
  evictor.add(2, 48, 5);
  evictor.add(3, 32, 5);
  EXPECT_EQ(evictor.evict(), 2);
  EXPECT_EQ(evictor.evict(), 3);
  EXPECT_EQ(evictor.evict(), 1);
}

TEST(EvictorTest, AUseMovesABlockBack) {
  Evictor evictor;
  evictor.add(1, 16, 1);
  evictor.add(2, 16, 2);
  evictor.update(1, 3);
  EXPECT_EQ(evictor.evict(), 2);
}

// However often blocks are used, there is one entry for each.
TEST(EvictorTest, ManyUpdatesLeaveNothingStale) {
  Evictor evictor;
  for (int block_id = 0; block_id < 10; ++block_id)
    evictor.add(block_id, 16, 0);
  for (int now = 1; now <= 1000; ++now)
    evictor.update(now % 10, now);
  EXPECT_EQ(evictor.size(), 10);
  for (int block_id = 1; block_id < 10; ++block_id)
    EXPECT_EQ(evictor.evict(), block_id);
  EXPECT_EQ(evictor.evict(), 0);
}

TEST(EvictorTest, ARevivedBlockIsNotEvicted) {
  Evictor evictor;
  evictor.add(1, 16, 1);
  evictor.add(2, 16, 2);
  evictor.remove(1);
  EXPECT_FALSE(evictor.contains(1));
  EXPECT_TRUE(evictor.contains(2));
  EXPECT_EQ(evictor.evict(), 2);
  EXPECT_THROW(evictor.remove(1), InternalError);
}

}  // namespace
}  // namespace quire::v0
