#include "core/scheduler_output.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace quire::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

SchedulerOutput make_output() {
  SchedulerOutput output;
  output.requests = {
      {.request_id = 7, .num_scheduled_tokens = 20, .new_request_idx = 0},
      {.request_id = 9,
       .num_computed_tokens = 33,
       .num_scheduled_tokens = 3,
       .num_draft_tokens = 2},
  };
  output.new_requests = {{.request_id = 7, .token_ids = std::vector<int32_t>(20, 1)}};
  output.new_block_ids = {4, 5, 6};
  output.new_block_starts = {0, 2, 3};
  output.draft_token_ids = {1, 2};
  output.finished_request_ids = {3};
  output.block_copies = {{BlockSpace::kDevice, BlockSpace::kHost, 4, 8}};
  output.num_common_prefix_blocks = {0};
  output.total_num_scheduled_tokens = 23;
  return output;
}

TEST(SchedulerOutputTest, BlocksAreCutByRequestAndGroup) {
  SchedulerOutput output = make_output();
  EXPECT_THAT(output.new_blocks(0, 0), ElementsAre(4, 5));
  EXPECT_THAT(output.new_blocks(1, 0), ElementsAre(6));
  output.num_groups = 2;
  output.new_block_starts = {0, 2, 3, 3, 3};
  EXPECT_THAT(output.new_blocks(0, 1), ElementsAre(6));
  EXPECT_THAT(output.new_blocks(1, 0), IsEmpty());
}

TEST(SchedulerOutputTest, ClearForgetsEverythingButTheGroups) {
  SchedulerOutput output = make_output();
  output.num_groups = 3;
  output.clear();
  SchedulerOutput empty;
  empty.num_groups = 3;
  EXPECT_EQ(output, empty);
}

TEST(SchedulerOutputTest, IsComparable) {
  SchedulerOutput other = make_output();
  EXPECT_EQ(make_output(), other);
  other.new_block_ids[1] = 9;
  EXPECT_NE(make_output(), other);
}

TEST(SchedulerOutputTest, IsPrintable) {
  const std::string text = make_output().to_string();
  EXPECT_THAT(text, HasSubstr("23 tokens of 2 requests, finished [3], preempted []"));
  EXPECT_THAT(
      text, HasSubstr("request 7 (new): tokens [0, 20), 0 of them drafts, new blocks [4, 5]")
  );
  EXPECT_THAT(text, HasSubstr("request 9: tokens [33, 36), 2 of them drafts, new blocks [6]"));
  EXPECT_THAT(text, HasSubstr("copy device block 4 to host block 8"));
}

TEST(ModelRunnerOutputTest, TokensAreCutByRequest) {
  ModelRunnerOutput result;
  result.sampled_token_ids = {5, 6, 7};
  result.sampled_starts = {0, 2, 2, 3};
  EXPECT_THAT(result.sampled(0), ElementsAre(5, 6));
  EXPECT_THAT(result.sampled(1), IsEmpty());
  EXPECT_THAT(result.sampled(2), ElementsAre(7));
  result.clear();
  EXPECT_EQ(result, ModelRunnerOutput());
}

}  // namespace
}  // namespace quire::test
