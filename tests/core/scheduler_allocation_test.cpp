// A steady decode allocates nothing: schedule() and update() live on what they have reserved.
#include <gtest/gtest.h>

#include "core/scheduler.h"
#include "support/allocation_counter.h"
#include "support/scheduler_factory.h"

namespace quire::test {
namespace {

constexpr int kNumRequests = 64;
constexpr int kNumSteps = 200;

// A runner that samples one token per request into the struct it is given.
void sample_one_each(const SchedulerOutput& output, ModelRunnerOutput& result) {
  result.clear();
  result.sampled_starts.push_back(0);
  for (int r = 0; r < output.num_reqs(); ++r) {
    result.sampled_token_ids.push_back(7);
    result.sampled_starts.push_back(r + 1);
  }
}

class SchedulerAllocationTest : public ::testing::TestWithParam<PrefixCachingHashAlgo> {};
INSTANTIATE_TEST_SUITE_P(
    Algorithms,
    SchedulerAllocationTest,
    ::testing::Values(PrefixCachingHashAlgo::kSha256, PrefixCachingHashAlgo::kXxhash)
);

TEST_P(SchedulerAllocationTest, ASteadyDecodeAllocatesNothing) {
  Scheduler scheduler = create_scheduler({
      .max_num_seqs = kNumRequests,
      .enable_prefix_caching = true,
      .prefix_caching_hash_algo = GetParam(),
      .num_blocks = 2000,
  });
  for (RequestId id = 0; id < kNumRequests; ++id) {
    const int num_tokens = 1 + static_cast<int>(id) % 40;  // they cross borders at different times
    scheduler.add_request(
        create_request({.id = id, .num_tokens = num_tokens, .max_tokens = std::nullopt})
    );
  }
  ModelRunnerOutput result;
  EngineCoreOutputs outputs;
  const auto step = [&] {
    const SchedulerOutput& output = scheduler.schedule();
    sample_one_each(output, result);
    outputs.clear();
    scheduler.update(output, result, outputs);
    return output.num_reqs();
  };
  ASSERT_EQ(step(), kNumRequests);
  ASSERT_EQ(step(), kNumRequests);

  const int num_used_blocks = scheduler.stats().num_used_blocks;
  const int num_cached_blocks = scheduler.kv_cache_manager().pool().num_cached_blocks();
  const int64_t num_allocations_before = num_allocations();
  int num_reqs = 0;
  for (int i = 0; i < kNumSteps; ++i)
    num_reqs += step();
  EXPECT_EQ(num_allocations() - num_allocations_before, 0);

  // It was what it claims to be: everybody decoded, blocks were filled, hashed and opened.
  EXPECT_EQ(num_reqs, kNumRequests * kNumSteps);
  EXPECT_EQ(outputs.token_ids.size(), static_cast<size_t>(kNumRequests));
  EXPECT_GT(scheduler.stats().num_used_blocks, num_used_blocks + kNumRequests * 10);
  EXPECT_GT(
      scheduler.kv_cache_manager().pool().num_cached_blocks(), num_cached_blocks + kNumRequests * 10
  );
  scheduler.check_integrity();
}

TEST(AllocationCounterTest, SeesAnAllocation) {
  const int64_t before = num_allocations();
  int* volatile value = new int(1);  // volatile, or the compiler leaves it out
  EXPECT_GT(num_allocations(), before);
  delete value;
}

}  // namespace
}  // namespace quire::test
