#include "worker/step_inputs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "quire/error.h"

namespace quire {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int kBlockSize = 16;
constexpr StepLimits kLimits{.max_num_seqs = 4, .max_num_batched_tokens = 64, .max_model_len = 64};

KVCacheConfig one_group() {
  KVCacheConfig config{.num_blocks = 64, .groups = {{}}};
  config.groups[0].spec.block_size = kBlockSize;
  return config;
}

std::vector<int32_t> ints(const Tensor& tensor) {
  const auto* data = tensor.data<int32_t>();
  return {data, data + tensor.size(0)};
}

// A step of one KV cache group, built request by request.
class StepBuilder {
 public:
  StepBuilder& add_new(uint64_t id, std::vector<int32_t> token_ids, int num_scheduled) {
    const int num_tokens = static_cast<int>(token_ids.size());
    const int idx = static_cast<int>(output_.new_requests.size());
    output_.new_requests.push_back(
        {.request_id = id, .token_ids = std::move(token_ids), .num_prompt_tokens = num_tokens}
    );
    return add(id, 0, num_scheduled, {static_cast<int>(id)}, idx);
  }
  StepBuilder& add(
      uint64_t id,
      int num_computed,
      int num_scheduled,
      std::vector<int> new_blocks = {},
      std::optional<int> new_request_idx = std::nullopt
  ) {
    output_.requests.push_back({
        .request_id = id,
        .num_computed_tokens = num_computed,
        .num_scheduled_tokens = num_scheduled,
        .new_request_idx = new_request_idx,
    });
    auto& ids = output_.new_block_ids;
    ids.insert(ids.end(), new_blocks.begin(), new_blocks.end());
    output_.new_block_starts.push_back(static_cast<int>(ids.size()));
    return *this;
  }
  StepBuilder& finish(uint64_t id) {
    output_.finished_request_ids.push_back(id);
    return *this;
  }
  StepBuilder& preempt(uint64_t id) {
    output_.preempted_request_ids.push_back(id);
    return *this;
  }
  operator const SchedulerOutput&() const { return output_; }  // NOLINT

 private:
  SchedulerOutput output_{.new_block_starts = {0}};
};

TEST(StepInputsTest, OnlyRequestsThatReachTheirLastTokenSample) {
  StepInputs inputs(kLimits, one_group());
  inputs.build(StepBuilder().add_new(1, {10, 11, 12}, 3).add_new(2, {20, 21, 22, 23}, 2));
  EXPECT_THAT(inputs.sampling_reqs(), ElementsAre(0));
  EXPECT_THAT(inputs.logits_indices(), ElementsAre(2));
  EXPECT_THAT(ints(inputs.batch().token_ids()), ElementsAre(10, 11, 12, 20, 21));

  ModelRunnerOutput result;
  inputs.append_sampled(std::vector<int32_t>{13}, result);
  EXPECT_THAT(result.sampled(0), ElementsAre(13));
  EXPECT_THAT(result.sampled(1), IsEmpty());

  inputs.build(StepBuilder().add(1, 3, 1).add(2, 2, 2));
  EXPECT_THAT(ints(inputs.batch().token_ids()), ElementsAre(13, 22, 23));
  EXPECT_THAT(inputs.sampling_reqs(), ElementsAre(0, 1));
  EXPECT_THAT(inputs.logits_indices(), ElementsAre(0, 2));
}

TEST(StepInputsTest, SlotsFollowTheBlocksOfTheirRequest) {
  StepInputs inputs(kLimits, one_group());
  inputs.build(StepBuilder().add_new(5, std::vector<int32_t>(kBlockSize, 7), kBlockSize));
  ModelRunnerOutput result;
  inputs.append_sampled(std::vector<int32_t>{8}, result);
  inputs.build(StepBuilder().add(5, kBlockSize, 1, {3}));
  EXPECT_THAT(ints(inputs.batch().slot_mapping(0)), ElementsAre(3 * kBlockSize));
}

TEST(StepInputsTest, FreedSlotsAreToldBeforeTheyAreUsedAgain) {
  StepInputs inputs(
      {.max_num_seqs = 1, .max_num_batched_tokens = 64, .max_model_len = 64}, one_group()
  );
  inputs.build(StepBuilder().add_new(1, {10}, 1));
  EXPECT_THAT(inputs.freed_slots(), IsEmpty());
  EXPECT_THAT(inputs.new_slots(), ElementsAre(0));

  inputs.build(StepBuilder().finish(1).add_new(2, {20}, 1));
  EXPECT_THAT(inputs.freed_slots(), ElementsAre(0));
  EXPECT_THAT(inputs.new_slots(), ElementsAre(0));
  EXPECT_EQ(inputs.states().num_live(), 1);

  inputs.build(StepBuilder().preempt(2));
  EXPECT_THAT(inputs.freed_slots(), ElementsAre(0));
  EXPECT_EQ(inputs.states().num_live(), 0);
}

TEST(StepInputsTest, AForkSamplesFromTheLastRowOfItsOrigin) {
  StepInputs inputs(kLimits, one_group());
  SchedulerOutput output =
      StepBuilder().add_new(1, {10, 11, 12}, 3).add_new(2, {20, 21}, 2).add_new(3, {10, 11, 12}, 0);
  output.requests[2].num_computed_tokens = 3;
  output.requests[2].fork_of = 0;
  inputs.build(output);
  EXPECT_THAT(inputs.sampling_reqs(), ElementsAre(0, 1, 2));
  EXPECT_THAT(inputs.logits_indices(), ElementsAre(2, 4, 2));
  EXPECT_EQ(inputs.batch().num_tokens(), 5);
}

TEST(StepInputsTest, AReplacedBlockTakesTheNextTokens) {
  StepInputs inputs(kLimits, one_group());
  inputs.build(StepBuilder().add_new(5, {10, 11}, 2));
  ModelRunnerOutput result;
  inputs.append_sampled(std::vector<int32_t>{12}, result);
  SchedulerOutput output = StepBuilder().add(5, 2, 1);
  output.block_replacements.push_back({.req_idx = 0, .group = 0, .table_idx = 0, .block_id = 9});
  inputs.build(output);
  EXPECT_THAT(ints(inputs.batch().slot_mapping(0)), ElementsAre(9 * kBlockSize + 2));
  output.block_replacements[0].table_idx = 1;
  EXPECT_THROW(inputs.build(output), InternalError) << "the table has one block";
}

TEST(StepInputsTest, AWrongNumberOfSampledTokensIsABug) {
  StepInputs inputs(
      {.max_num_seqs = 1, .max_num_batched_tokens = 64, .max_model_len = 64}, one_group()
  );
  inputs.build(StepBuilder().add_new(1, {10}, 1));
  ModelRunnerOutput result;
  EXPECT_THROW(inputs.append_sampled({}, result), InternalError);
}

}  // namespace
}  // namespace quire
