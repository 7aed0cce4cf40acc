#include "bench/step_recorder.h"

#include <gtest/gtest.h>

#include "quire/error.h"

namespace quire::bench {
namespace {

constexpr int kBlockSize = 16;
constexpr int kMaxModelLen = 128;

// A step with one KV cache group.
class Step {
 public:
  Step& add_new(uint64_t id, int num_prompt_tokens, int num_scheduled, std::vector<int> blocks) {
    output_.new_requests.push_back(
        {.request_id = id,
         .num_prompt_tokens = num_prompt_tokens,
         .sampling_params = {.max_tokens = 10}}
    );
    add(id, 0, num_scheduled, std::move(blocks));
    output_.requests.back().new_request_idx = static_cast<int>(output_.new_requests.size()) - 1;
    return *this;
  }
  Step& add(uint64_t id, int num_computed, int num_scheduled, std::vector<int> blocks = {}) {
    output_.requests.push_back({
        .request_id = id,
        .num_computed_tokens = num_computed,
        .num_scheduled_tokens = num_scheduled,
    });
    output_.new_block_ids.insert(output_.new_block_ids.end(), blocks.begin(), blocks.end());
    output_.new_block_starts.push_back(static_cast<int>(output_.new_block_ids.size()));
    return *this;
  }
  SchedulerOutput& output() { return output_; }

 private:
  SchedulerOutput output_{.new_block_starts = {0}};
};

class StepRecorderTest : public ::testing::Test {
 protected:
  StepRecorderTest() { recorder_.set_cache(kBlockSize, kMaxModelLen); }

  StepRecord record(Step& step, double start, double end) {
    recorder_.begin_step(step.output(), start);
    recorder_.end_step(end);
    const std::vector<StepRecord> records = recorder_.take_records();
    return records.empty() ? StepRecord{} : records.back();
  }

  StepRecorder recorder_;
};

TEST_F(StepRecorderTest, SeparatesPrefillFromDecoding) {
  Step first;
  first.add_new(1, 20, 20, {1, 2}).add_new(2, 40, 12, {3});
  StepRecord record = this->record(first, 1.0, 2.0);
  EXPECT_EQ(record.num_reqs, 2);
  EXPECT_EQ(record.num_prefill_tokens, 32);
  EXPECT_EQ(record.num_decode_tokens, 0);

  Step second;
  second.add(1, 20, 1).add(2, 12, 28, {4, 5});
  record = this->record(second, 3.0, 4.0);
  EXPECT_EQ(record.num_prefill_tokens, 28);
  EXPECT_EQ(record.num_decode_tokens, 1);
}

TEST_F(StepRecorderTest, CountsEmptySlotsOfHeldBlocksAndSharedBlocksOnce) {
  Step step;
  // The second request shares block 1, which is full.
  step.add_new(1, 20, 20, {1, 2}).add_new(2, 18, 2, {1, 3});
  step.output().requests[1].num_computed_tokens = 16;
  const StepRecord record = this->record(step, 1.0, 2.0);
  EXPECT_EQ(record.num_used_blocks, 3);
  EXPECT_EQ(record.num_slots, 3 * kBlockSize);
  EXPECT_EQ(record.num_empty_slots, (32 - 20) + (32 - 18));
  EXPECT_EQ(record.num_contiguous_slots, 2 * kMaxModelLen);
  EXPECT_EQ(record.num_contiguous_empty_slots, 2 * kMaxModelLen - 20 - 18);
  EXPECT_EQ(record.num_known_length_slots, 30 + 28);
  EXPECT_EQ(record.num_known_length_empty_slots, 58 - 38);
}

TEST_F(StepRecorderTest, BlocksOfFinishedPreemptedAndForkedRequestsAreFollowed) {
  Step first;
  first.add_new(1, 20, 20, {1, 2}).add_new(2, 20, 20, {3, 4}).add_new(3, 20, 20, {5, 6});
  EXPECT_EQ(this->record(first, 1.0, 2.0).num_used_blocks, 6);
  Step second;
  second.output().finished_request_ids = {1};
  second.output().preempted_request_ids = {2};
  second.add(3, 20, 1);
  second.output().block_replacements.push_back(
      {.req_idx = 0, .group = 0, .table_idx = 1, .block_id = 9}
  );
  EXPECT_EQ(this->record(second, 3.0, 4.0).num_used_blocks, 2);
}

TEST_F(StepRecorderTest, OverheadIsTheTimeBetweenStepsWhileSomebodyRuns) {
  Step first;
  first.add_new(1, 4, 4, {1});
  Step second;
  second.add(1, 4, 1);
  recorder_.begin_step(first.output(), 1.0);
  recorder_.end_step(2.0);
  recorder_.begin_step(second.output(), 2.5);
  recorder_.end_step(3.0);
  Step third;  // the engine slept: its only request had ended
  third.output().finished_request_ids = {1};
  third.add_new(2, 4, 4, {2});
  recorder_.begin_step(third.output(), 9.0);
  recorder_.end_step(9.5);
  const std::vector<StepRecord> records = recorder_.take_records();
  ASSERT_EQ(records.size(), 3u);
  EXPECT_FALSE(records[0].overhead);
  EXPECT_DOUBLE_EQ(records[1].overhead.value(), 0.5);
  EXPECT_FALSE(records[2].overhead);
}

TEST_F(StepRecorderTest, RecordsMayBeTakenWithinTheStepThatOnlyTellsTheEnd) {
  Step last;
  last.add_new(1, 4, 4, {1});
  Step empty;
  empty.output().finished_request_ids = {1};
  recorder_.begin_step(last.output(), 1.0);
  recorder_.end_step(2.0);
  recorder_.begin_step(empty.output(), 2.5);
  EXPECT_EQ(recorder_.take_records().size(), 1u);
  recorder_.end_step(3.0);
  EXPECT_TRUE(recorder_.take_records().empty());
}

TEST_F(StepRecorderTest, AStepUnderWayIsTakenWhenItHasEnded) {
  Step step;
  step.add_new(1, 4, 4, {1});
  recorder_.begin_step(step.output(), 1.0);
  EXPECT_TRUE(recorder_.take_records().empty());
  recorder_.end_step(2.0);
  const std::vector<StepRecord> records = recorder_.take_records();
  ASSERT_EQ(records.size(), 1u);
  EXPECT_DOUBLE_EQ(records[0].start, 1.0);
  EXPECT_DOUBLE_EQ(records[0].end, 2.0);
  EXPECT_THROW(recorder_.end_step(3.0), InternalError);
}

}  // namespace
}  // namespace quire::bench
