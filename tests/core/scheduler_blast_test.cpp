// Twenty thousand steps of random load with priorities, against the rules of a plan.
#include <map>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "base/check.h"
#include "core/scheduler.h"
#include "support/scheduler_factory.h"

namespace quire::test {
namespace {

constexpr int kNumSteps = 20000;
constexpr int kBlockSize = 16;

struct Load {
  const char* name;
  int max_num_prompt_tokens;
  int max_num_output_tokens;
  int max_num_seqs;
  int num_blocks;
};
constexpr Load kLongPrompts{"long_prompts", 5000, 500, 256, 10000};
constexpr Load kLongOutputs{"long_outputs", 500, 5000, 1024, 1000};

// What a runner would hold. Throws InternalError where a plan does not fit.
class PlanChecker {
 public:
  explicit PlanChecker(const SchedulerOptions& options)
      : options_(options), num_holders_(static_cast<size_t>(options.num_blocks)) {}

  void check(const SchedulerOutput& output) {
    for (const RequestId id : output.finished_request_ids)
      forget(id);
    for (const RequestId id : output.preempted_request_ids)
      forget(id);
    QUIRE_CHECK(output.num_reqs() <= options_.max_num_seqs);
    int num_tokens = 0;
    int num_drafts = 0;
    std::set<RequestId> ids;
    for (int r = 0; r < output.num_reqs(); ++r) {
      const ScheduledRequest& request = output.requests[r];
      QUIRE_CHECK(ids.insert(request.request_id).second, "{} is there twice", request.request_id);
      QUIRE_CHECK(request.num_scheduled_tokens > request.num_draft_tokens);
      num_tokens += request.num_scheduled_tokens;
      num_drafts += request.num_draft_tokens;
      check_blocks(output, r);
    }
    QUIRE_CHECK(num_tokens == output.total_num_scheduled_tokens);
    QUIRE_CHECK(num_tokens <= options_.max_num_batched_tokens, "{} tokens", num_tokens);
    QUIRE_CHECK(num_drafts == static_cast<int>(output.draft_token_ids.size()));
  }

  size_t num_held() const { return tables_.size(); }

 private:
  void forget(RequestId id) {
    const auto table = tables_.find(id);
    QUIRE_CHECK(table != tables_.end(), "{} is not held", id);
    for (const int block : table->second)
      --num_holders_[block];
    tables_.erase(table);
  }

  void check_blocks(const SchedulerOutput& output, int req_idx) {
    const ScheduledRequest& request = output.requests[req_idx];
    const RequestId id = request.request_id;
    QUIRE_CHECK(request.new_request_idx.has_value() != tables_.contains(id), "{}", id);
    std::vector<int>& table = tables_[id];
    for (const int block : output.new_blocks(req_idx, 0)) {
      QUIRE_CHECK(block != 0, "{} has the null block", id);
      // Only full blocks with a known content are shared.
      const bool is_hit =
          static_cast<int>(table.size() + 1) * kBlockSize <= request.num_computed_tokens;
      QUIRE_CHECK(++num_holders_[block] == 1 || is_hit, "block {} is in two places", block);
      table.push_back(block);
    }
    const int num_slots = static_cast<int>(table.size()) * kBlockSize;
    QUIRE_CHECK(request.num_computed_tokens + request.num_scheduled_tokens <= num_slots);
  }

  SchedulerOptions options_;
  std::map<RequestId, std::vector<int>> tables_;
  std::vector<int> num_holders_;  // by block
};

using Case = std::tuple<Load, bool, std::optional<int>>;  // load, cache, drafts per step

std::string name_of(const ::testing::TestParamInfo<Case>& info) {
  const auto& [load, caches, num_drafts] = info.param;
  return std::string(load.name) + (caches ? "_cached" : "") +
         (num_drafts ? "_drafts_" + std::to_string(*num_drafts) : "");
}

class BlastTest : public ::testing::TestWithParam<Case> {
 protected:
  BlastTest()
      : load_(std::get<0>(GetParam())),
        num_drafts_(std::get<2>(GetParam())),
        options_{
            .max_num_seqs = load_.max_num_seqs,
            .policy = SchedulingPolicy::kPriority,
            .enable_prefix_caching = std::get<1>(GetParam()),
            .prefix_caching_hash_algo = PrefixCachingHashAlgo::kXxhash,
            .block_size = kBlockSize,
            .num_blocks = load_.num_blocks,
        },
        scheduler_(create_scheduler(options_)),
        checker_(options_) {}

  int random(int min, int max) { return min + static_cast<int>(random_() % (max - min + 1)); }

  void add() {
    scheduler_.add_request(create_request({
        .id = next_id_++,
        .prompt = token_range(random(0, 20), random(1, load_.max_num_prompt_tokens)),
        .max_tokens = random(1, load_.max_num_output_tokens),
        .priority = random(0, 10),
        .arrival_time = static_cast<double>(next_id_),
    }));
  }

  // Random tokens, and of the drafts a random number accepted.
  ModelRunnerOutput sample(const SchedulerOutput& output) {
    ModelRunnerOutput result;
    result.sampled_starts.push_back(0);
    for (const ScheduledRequest& scheduled : output.requests) {
      const Request& request = *scheduler_.find_request(scheduled.request_id);
      const int end = scheduled.num_computed_tokens + scheduled.num_scheduled_tokens;
      if (end >= request.num_tokens()) {
        const int num_tokens = 1 + random(0, scheduled.num_draft_tokens);
        for (int i = 0; i < num_tokens; ++i)
          result.sampled_token_ids.push_back(random(0, 1000));
      }
      result.sampled_starts.push_back(static_cast<int>(result.sampled_token_ids.size()));
    }
    return result;
  }

  void step() {
    const SchedulerOutput& output = scheduler_.schedule();
    checker_.check(output);
    ModelRunnerOutput result = sample(output);
    outputs_.clear();
    scheduler_.update(output, result, outputs_);
    for (const EngineCoreOutput& told : outputs_.outputs)
      num_ended_ += told.finish_reason.has_value();
    if (!num_drafts_) return;
    const std::vector<int32_t> drafts(static_cast<size_t>(*num_drafts_), 5);
    for (const ScheduledRequest& scheduled : output.requests)
      scheduler_.set_draft_tokens(scheduled.request_id, drafts);
  }

  Load load_;
  std::optional<int> num_drafts_;
  SchedulerOptions options_;
  Scheduler scheduler_;
  PlanChecker checker_;
  std::mt19937 random_{3};
  RequestId next_id_ = 0;
  RequestId num_ended_ = 0;
  EngineCoreOutputs outputs_;
};
INSTANTIATE_TEST_SUITE_P(
    Cases,
    BlastTest,
    ::testing::Combine(
        ::testing::Values(kLongPrompts, kLongOutputs),
        ::testing::Bool(),
        ::testing::Values(std::nullopt, 1, 5)
    ),
    name_of
);

TEST_P(BlastTest, EveryPlanKeepsTheRules) {
  int64_t num_hit_tokens = 0;
  for (int i = 0; i < kNumSteps; ++i) {
    const size_t num_waiting = scheduler_.waiting().size();
    if (num_waiting < 8) add();
    step();
    num_hit_tokens += scheduler_.stats().prefix_cache.num_hit_tokens;
    if (i % 1000 == 0) scheduler_.check_integrity();
  }
  EXPECT_GT(num_ended_, 50u);
  EXPECT_EQ(num_hit_tokens > 0, options_.enable_prefix_caching);
  if (load_.num_blocks == kLongOutputs.num_blocks) {
    EXPECT_GT(scheduler_.stats().num_preemptions, 200);
  }
  while (scheduler_.has_work())
    step();
  EXPECT_EQ(num_ended_, next_id_);
  EXPECT_EQ(checker_.num_held(), 0u);
  expect_scheduler_is_empty(scheduler_);
}

}  // namespace
}  // namespace quire::test
