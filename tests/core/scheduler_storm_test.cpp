// Thousands of steps with few blocks, always the same ones: many preemptions, many hits, and every
// request still gets the one right continuation.
#include <random>

#include <gtest/gtest.h>

#include "core/scheduler.h"
#include "support/fake_runner.h"
#include "support/scheduler_factory.h"

namespace quire::test {
namespace {

struct StormCase {
  const char* name;
  SchedulingPolicy policy;
  bool enable_prefix_caching;
  int num_drafts;  // proposed after every step: fewer steps per request, so fewer blocks
  int num_blocks;
};

class StormTest : public ::testing::TestWithParam<StormCase> {};
INSTANTIATE_TEST_SUITE_P(
    Cases,
    StormTest,
    ::testing::Values(
        StormCase{"fcfs", SchedulingPolicy::kFcfs, true, 0, 100},
        StormCase{"fcfs_uncached", SchedulingPolicy::kFcfs, false, 0, 100},
        StormCase{"fcfs_drafts", SchedulingPolicy::kFcfs, true, 3, 50},
        StormCase{"priority", SchedulingPolicy::kPriority, true, 0, 100},
        StormCase{"priority_drafts", SchedulingPolicy::kPriority, true, 3, 50}
    ),
    [](const auto& test) { return std::string(test.param.name); }
);

TEST_P(StormTest, EveryRequestIsServedRight) {
  const SchedulerOptions options{
      .max_num_seqs = 16,
      .max_num_batched_tokens = 128,
      .max_model_len = 256,
      .policy = GetParam().policy,
      .enable_prefix_caching = GetParam().enable_prefix_caching,
      .block_size = 4,
      .num_blocks = GetParam().num_blocks,
  };
  Scheduler scheduler = create_scheduler(options);
  FakeRunner runner(make_kv_cache_config(options));
  std::mt19937 random(7);
  constexpr int kNumSteps = 3000;
  std::map<RequestId, std::vector<int32_t>> prompts;
  std::map<RequestId, std::vector<int32_t>> outputs_of;
  int num_finished = 0;
  int64_t num_hit_tokens = 0;
  RequestId next_id = 0;
  EngineCoreOutputs outputs;
  for (int step = 0; step < kNumSteps || scheduler.has_work(); ++step) {
    ASSERT_LT(step, 10 * kNumSteps);
    if (step < kNumSteps && random() % 3 == 0) {
      const int num_tokens = 1 + static_cast<int>(random() % 60);
      const RequestOptions request{
          .id = next_id,
          .prompt = token_range(static_cast<int32_t>(random() % 5), num_tokens),
          .max_tokens = 1 + static_cast<int>(random() % 60),
          .priority = static_cast<int>(random() % 4),
          .arrival_time = static_cast<double>(step),
      };
      prompts[next_id++] = *request.prompt;
      scheduler.add_request(create_request(request));
    }
    const SchedulerOutput output = scheduler.schedule();
    ModelRunnerOutput result = runner.execute(output);
    outputs.clear();
    scheduler.update(output, result, outputs);
    for (const EngineCoreOutput& told : outputs.outputs) {
      std::vector<int32_t>& ids = outputs_of[told.request_id];
      const std::span<const int32_t> new_ids = outputs.new_token_ids(told);
      ids.insert(ids.end(), new_ids.begin(), new_ids.end());
      if (told.finish_reason) {
        EXPECT_EQ(*told.finish_reason, FinishReason::kLength);
        EXPECT_EQ(
            ids, FakeRunner::continuation(prompts.at(told.request_id), static_cast<int>(ids.size()))
        );
        ++num_finished;
      } else if (GetParam().num_drafts > 0) {
        std::vector<int32_t> known = prompts.at(told.request_id);
        known.insert(known.end(), ids.begin(), ids.end());
        std::vector<int32_t> drafts = FakeRunner::continuation(known, GetParam().num_drafts);
        drafts[random() % drafts.size()] += static_cast<int32_t>(random() % 2);
        scheduler.set_draft_tokens(told.request_id, drafts);
      }
    }
    if (step % 50 == 0) scheduler.check_integrity();
    num_hit_tokens += scheduler.stats().prefix_cache.num_hit_tokens;
    ASSERT_FALSE(::testing::Test::HasFailure()) << "step " << step << "\n" << output.to_string();
  }
  EXPECT_EQ(num_finished, static_cast<int>(next_id));
  EXPECT_GT(next_id, 900u);
  EXPECT_GT(scheduler.stats().num_preemptions, 100);
  EXPECT_EQ(num_hit_tokens > 0, GetParam().enable_prefix_caching);
  EXPECT_EQ(runner.num_live_requests(), 0);
  expect_scheduler_is_empty(scheduler);
}

}  // namespace
}  // namespace quire::test
