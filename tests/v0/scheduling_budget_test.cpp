#include "v0/scheduling_budget.h"

#include <gtest/gtest.h>

#include "quire/error.h"

namespace quire::v0 {
namespace {

TEST(SchedulingBudgetTest, BothLimitsBind) {
  SchedulingBudget budget(4, 4);
  EXPECT_TRUE(budget.can_schedule(1, 1));
  EXPECT_TRUE(budget.can_schedule(4, 4));
  EXPECT_FALSE(budget.can_schedule(1, 5));
  EXPECT_FALSE(budget.can_schedule(5, 1));
  EXPECT_FALSE(budget.can_schedule(5, 5));
  EXPECT_EQ(budget.remaining_tokens(), 4);
}

TEST(SchedulingBudgetTest, AGroupCountsOnce) {
  SchedulingBudget budget(4, 4);
  for (int i = 0; i < 2; ++i) {
    budget.add_batched_tokens(1, 2);
    budget.add_seqs(1, 3);
  }
  EXPECT_EQ(budget.num_batched_tokens(), 2);
  EXPECT_EQ(budget.remaining_tokens(), 2);
  EXPECT_EQ(budget.num_seqs(), 3);
  EXPECT_TRUE(budget.can_schedule(2, 1));
  EXPECT_FALSE(budget.can_schedule(3, 1));
  EXPECT_FALSE(budget.can_schedule(2, 2));
}

TEST(SchedulingBudgetTest, SequencesThatAreTakenBackLeaveRoom) {
  SchedulingBudget budget(4, 4);
  budget.add_seqs(1, 4);
  EXPECT_FALSE(budget.can_schedule(1, 1));
  for (int i = 0; i < 2; ++i)
    budget.subtract_seqs(1, 4);
  budget.subtract_seqs(9, 2);  // never added
  EXPECT_EQ(budget.num_seqs(), 0);
  EXPECT_TRUE(budget.can_schedule(1, 4));
}

TEST(SchedulingBudgetTest, NothingIsNotAQuestion) {
  const SchedulingBudget budget(4, 4);
  EXPECT_THROW((void)budget.can_schedule(0, 1), InternalError);
  EXPECT_THROW((void)budget.can_schedule(1, 0), InternalError);
}

}  // namespace
}  // namespace quire::v0
