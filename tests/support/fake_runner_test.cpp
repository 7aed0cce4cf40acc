#include "support/fake_runner.h"

#include <gtest/gtest.h>

#include "quire/error.h"
#include "support/scheduler_factory.h"

namespace quire::test {
namespace {

constexpr int kNumTokens = 16;

// The first step of one request of one block, in two groups.
class FakeRunnerTest : public ::testing::Test {
 protected:
  FakeRunnerTest() {
    add_requests(scheduler_, 1, {.num_tokens = kNumTokens});
    output_ = scheduler_.schedule();
  }

  SchedulerOptions options_{.windows = {std::nullopt, std::nullopt}};
  Scheduler scheduler_ = create_scheduler(options_);
  SchedulerOutput output_;
  FakeRunner runner_{make_kv_cache_config(options_)};
};

TEST_F(FakeRunnerTest, SamplesTheRightContinuation) {
  const std::vector<int32_t> prompt(kNumTokens, 0);
  EXPECT_EQ(
      runner_.execute(output_).sampled_token_ids, FakeRunner::continuation(prompt, /*num_tokens=*/1)
  );
}

TEST_F(FakeRunnerTest, ABlockThatTwoGroupsHoldIsSeen) {
  ASSERT_EQ(output_.new_block_ids.size(), 2u);
  ASSERT_NE(output_.new_block_ids[0], output_.new_block_ids[1]);
  output_.new_block_ids[1] = output_.new_block_ids[0];
  EXPECT_THROW(runner_.execute(output_), InternalError);
}

}  // namespace
}  // namespace quire::test
