// Thousands of steps with few blocks, always the same ones: many preemptions, many hits, and every
// request still gets the one right continuation.
#include <random>

#include <gtest/gtest.h>

#include "support/fake_engine.h"

namespace quire::test {
namespace {

constexpr int kNumSteps = 3000;

struct StormCase {
  const char* name;
  SchedulingPolicy policy;
  bool enable_prefix_caching;
  bool has_drafts;
  int num_blocks;  // drafts end requests sooner, so fewer blocks do
  bool async_scheduling = false;
};

class StormTest : public ::testing::TestWithParam<StormCase> {
 protected:
  SchedulerOptions options() const {
    return {
        .max_num_batched_tokens = 128,
        .max_model_len = 256,
        .policy = GetParam().policy,
        .enable_prefix_caching = GetParam().enable_prefix_caching,
        .async_scheduling = GetParam().async_scheduling,
        .block_size = 4,
        .num_blocks = GetParam().num_blocks,
    };
  }
  int random(int min, int max) { return min + static_cast<int>(random_() % (max - min + 1)); }

 private:
  std::mt19937 random_{7};
};
INSTANTIATE_TEST_SUITE_P(
    Cases,
    StormTest,
    ::testing::Values(
        StormCase{"fcfs", SchedulingPolicy::kFcfs, true, false, 100},
        StormCase{"fcfs_uncached", SchedulingPolicy::kFcfs, false, false, 100},
        StormCase{"fcfs_drafts", SchedulingPolicy::kFcfs, true, true, 50},
        StormCase{"fcfs_async", SchedulingPolicy::kFcfs, true, false, 100, true},
        StormCase{"priority_async_drafts", SchedulingPolicy::kPriority, true, true, 50, true},
        StormCase{"priority", SchedulingPolicy::kPriority, true, false, 100},
        StormCase{"priority_drafts", SchedulingPolicy::kPriority, true, true, 50}
    ),
    [](const auto& test) { return std::string(test.param.name); }
);

TEST_P(StormTest, EveryRequestIsServedRight) {
  FakeEngine engine(options());
  for (int step = 0; step < kNumSteps; ++step) {
    if (random(0, 2) == 0) {
      engine.add({
          .prompt = token_range(random(0, 4), random(1, 60)),
          .max_tokens = random(1, 60),
          .priority = random(0, 3),
          .arrival_time = static_cast<double>(step),
      });
    }
    engine.step();
    for (const Request* request : engine.scheduler().running()) {
      if (GetParam().has_drafts) engine.propose(request->id, 3, /*wrong_idx=*/random(-1, 2));
    }
  }
  engine.run_to_the_end();
  EXPECT_EQ(engine.num_finished(), static_cast<int>(engine.next_id()));
  EXPECT_GT(engine.num_finished(), 900);
  EXPECT_GT(engine.scheduler().stats().num_preemptions, 100);
  EXPECT_EQ(engine.num_hit_tokens() > 0, GetParam().enable_prefix_caching);
  EXPECT_EQ(engine.num_overlapped_steps() > 1000, GetParam().async_scheduling);
  expect_scheduler_is_empty(engine.scheduler());
}

}  // namespace
}  // namespace quire::test
