#include "core/scheduler.h"

#include <array>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "quire/error.h"
#include "support/scheduler_factory.h"

namespace quire::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Counts = std::map<RequestId, int>;

TEST(SchedulerTest, AddedRequestsWaitInOrder) {
  Scheduler scheduler = create_scheduler();
  for (std::unique_ptr<Request>& request : create_requests(10)) {
    const RequestId id = request->id;
    scheduler.add_request(std::move(request));
    ASSERT_NE(scheduler.find_request(id), nullptr);
    EXPECT_EQ(scheduler.find_request(id)->status, RequestStatus::kWaiting);
    EXPECT_EQ(scheduler.waiting().size(), id + 1);
  }
  EXPECT_TRUE(scheduler.has_unfinished_requests());
  scheduler.check_integrity();
}

TEST(SchedulerTest, AnIdInUseIsABug) {
  Scheduler scheduler = create_scheduler();
  scheduler.add_request(create_request({.id = 7}));
  EXPECT_THROW(scheduler.add_request(create_request({.id = 7})), InternalError);
}

TEST(SchedulerTest, AbortingWaitingRequestsRemovesThem) {
  Scheduler scheduler = create_scheduler();
  const std::vector<RequestId> ids = add_requests(scheduler, 10);
  for (RequestId id : ids) {
    const std::array one{id};
    EXPECT_THAT(scheduler.finish_requests(one, RequestStatus::kFinishedAborted), ElementsAre(id));
    EXPECT_EQ(scheduler.find_request(id), nullptr);
    EXPECT_EQ(scheduler.waiting().size(), 9 - id);
  }
  // The runner never saw them.
  EXPECT_THAT(scheduler.schedule().finished_request_ids, IsEmpty());
  expect_scheduler_is_empty(scheduler);
}

TEST(SchedulerTest, FinishingIgnoresUnknownAndRepeatedIds) {
  Scheduler scheduler = create_scheduler();
  add_requests(scheduler, 2);
  const std::array<RequestId, 3> ids{1, 99, 1};
  EXPECT_THAT(scheduler.finish_requests(ids, RequestStatus::kFinishedAborted), ElementsAre(1));
  EXPECT_THAT(scheduler.finish_requests({}, RequestStatus::kFinishedAborted), IsEmpty());
  EXPECT_EQ(scheduler.waiting().size(), 1u);
  scheduler.check_integrity();
}

struct SchedulingCase {
  bool enable_prefix_caching;
  std::optional<int> prompt_logprobs;
};
class ScheduleTest : public ::testing::TestWithParam<SchedulingCase> {};
INSTANTIATE_TEST_SUITE_P(
    PrefixCaching,
    ScheduleTest,
    ::testing::Values(SchedulingCase{false, std::nullopt}, SchedulingCase{true, 5})
);

TEST_P(ScheduleTest, NewRequestsAreAllScheduledWhole) {
  Scheduler scheduler =
      create_scheduler({.enable_prefix_caching = GetParam().enable_prefix_caching});
  const std::vector<RequestId> ids =
      add_requests(scheduler, 10, {.prompt_logprobs = GetParam().prompt_logprobs});
  const SchedulerOutput& output = scheduler.schedule();
  EXPECT_EQ(new_request_ids(output), ids);
  EXPECT_EQ(output.num_reqs(), 10);
  for (const ScheduledRequest& request : output.requests) {
    EXPECT_EQ(request.num_scheduled_tokens, 10);
    EXPECT_EQ(request.num_computed_tokens, 0);
    EXPECT_TRUE(request.new_request_idx.has_value());
  }
  EXPECT_EQ(output.total_num_scheduled_tokens, 100);
  EXPECT_THAT(output.finished_request_ids, IsEmpty());
  EXPECT_EQ(ids_of(scheduler.running()), ids);
  EXPECT_THAT(scheduler.waiting(), IsEmpty());
  scheduler.check_integrity();
}

TEST(SchedulerTest, NewRequestsBringTheirPayloadAndKnownOnesADiff) {
  Scheduler scheduler = create_scheduler();
  scheduler.add_request(create_request({.id = 3, .num_tokens = 16}));
  const SchedulerOutput first = scheduler.schedule();
  ASSERT_EQ(first.new_requests.size(), 1u);
  EXPECT_EQ(first.new_requests[0].token_ids, std::vector<int32_t>(16, 3));
  EXPECT_EQ(first.new_requests[0].num_prompt_tokens, 16);
  EXPECT_EQ(first.new_requests[0].sampling_params.max_tokens, 16);
  EXPECT_THAT(first.new_blocks(0, 0), ElementsAre(1));
  update(scheduler, first, make_runner_output(first, {{3, {42}}}));

  const SchedulerOutput second = scheduler.schedule();
  EXPECT_THAT(second.new_requests, IsEmpty());
  ASSERT_EQ(second.num_reqs(), 1);
  EXPECT_EQ(second.requests[0].num_computed_tokens, 16);
  EXPECT_EQ(second.requests[0].num_scheduled_tokens, 1);
  EXPECT_FALSE(second.requests[0].new_request_idx.has_value());
  EXPECT_THAT(second.new_blocks(0, 0), ElementsAre(2));  // token 17 opens a block
  update(scheduler, second, make_runner_output(second, {{3, {42}}}));

  EXPECT_THAT(scheduler.schedule().new_blocks(0, 0), IsEmpty());
  scheduler.check_integrity();
}

class ConcurrentPartialPrefillTest : public ::testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(PrefixCaching, ConcurrentPartialPrefillTest, ::testing::Bool());

TEST_P(ConcurrentPartialPrefillTest, LongPrefillThresholdSharesTheBudget) {
  Scheduler scheduler = create_scheduler({
      .max_num_batched_tokens = 1024,
      .long_prefill_token_threshold = 400,
      .enable_prefix_caching = GetParam(),
  });
  add_requests(scheduler, 3, {.num_tokens = 800});
  for (const Counts& expected :
       {Counts{{0, 400}, {1, 400}, {2, 224}},
        Counts{{0, 400}, {1, 400}, {2, 224}},
        Counts{{0, 1}, {1, 1}, {2, 352}}}) {
    const SchedulerOutput output = scheduler.schedule();
    EXPECT_EQ(num_scheduled_tokens(output), expected);
    update(scheduler, output, make_runner_output(scheduler, output, 0));
  }
  scheduler.check_integrity();
}

TEST(SchedulerTest, APromptLongerThanTheBudgetIsComputedInChunks) {
  Scheduler scheduler = create_scheduler({.max_num_batched_tokens = 100, .max_model_len = 1000});
  add_requests(scheduler, 1, {.num_tokens = 250});
  for (int expected : {100, 100, 50, 1}) {
    const SchedulerOutput output = scheduler.schedule();
    EXPECT_EQ(output.total_num_scheduled_tokens, expected);
    const EngineCoreOutputs outputs =
        update(scheduler, output, make_runner_output(scheduler, output, 5));
    // A chunk that does not reach the last token tells nothing.
    EXPECT_EQ(outputs.outputs.size(), expected == 100 ? 0u : 1u);
  }
  scheduler.check_integrity();
}

TEST(SchedulerTest, DecodesComeBeforeNewPrefills) {
  Scheduler scheduler = create_scheduler({.max_num_batched_tokens = 20, .max_model_len = 100});
  add_requests(scheduler, 3, {.num_tokens = 15});
  SchedulerOutput output = scheduler.schedule();
  EXPECT_EQ(num_scheduled_tokens(output), (Counts{{0, 15}, {1, 5}}));
  update(scheduler, output, make_runner_output(scheduler, output, 0));
  output = scheduler.schedule();
  EXPECT_EQ(num_scheduled_tokens(output), (Counts{{0, 1}, {1, 10}, {2, 9}}));
  scheduler.check_integrity();
}

TEST(SchedulerTest, ASecondStepIsPlannedWhileTheFirstRuns) {
  Scheduler scheduler = create_scheduler({.max_num_batched_tokens = 1024, .max_model_len = 2048});
  std::vector<std::unique_ptr<Request>> requests = create_requests(2, {.num_tokens = 512});
  scheduler.add_request(std::move(requests[0]));
  const SchedulerOutput first = scheduler.schedule();
  EXPECT_EQ(num_scheduled_tokens(first), (Counts{{0, 512}}));

  scheduler.add_request(std::move(requests[1]));
  const SchedulerOutput second = scheduler.schedule();
  EXPECT_EQ(num_scheduled_tokens(second), (Counts{{1, 512}}));

  update(scheduler, first, make_runner_output(first, {{0, {0}}}));
  const SchedulerOutput third = scheduler.schedule();
  EXPECT_EQ(num_scheduled_tokens(third), (Counts{{0, 1}}));
  update(scheduler, second, make_runner_output(second, {{1, {0}}}));
  scheduler.check_integrity();
}

TEST(SchedulerTest, TwoChunksOfAPromptMayBeUnderWay) {
  Scheduler scheduler = create_scheduler({.max_num_batched_tokens = 50, .max_model_len = 200});
  add_requests(scheduler, 1, {.num_tokens = 100});
  const SchedulerOutput first = scheduler.schedule();
  const SchedulerOutput second = scheduler.schedule();
  EXPECT_EQ(second.requests.at(0).num_computed_tokens, 50);
  EXPECT_EQ(scheduler.schedule().num_reqs(), 0);
  update(scheduler, first, make_runner_output(first, {}));
  update(scheduler, second, make_runner_output(second, {{0, {9}}}));
  const SchedulerOutput third = scheduler.schedule();
  EXPECT_EQ(third.requests.at(0).num_computed_tokens, 100);
  EXPECT_EQ(third.requests.at(0).num_scheduled_tokens, 1);
  scheduler.check_integrity();
}

class ScheduleOrderTest : public ::testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(ChunkedPrefill, ScheduleOrderTest, ::testing::Bool());

TEST_P(ScheduleOrderTest, ShortRequestsDoNotJumpTheQueue) {
  const bool enable_chunked_prefill = GetParam();
  Scheduler scheduler = create_scheduler({
      .max_num_batched_tokens = 1024,
      .enable_chunked_prefill = enable_chunked_prefill,
  });
  for (RequestId id = 0; id < 4; ++id) {
    scheduler.add_request(create_request({.id = id, .num_tokens = id < 2 ? 800 : 10}));
  }
  EXPECT_EQ(scheduler.schedule().new_requests.size(), enable_chunked_prefill ? 2u : 1u);
  scheduler.check_integrity();
}

TEST(SchedulerTest, WithoutChunkedPrefillEveryPromptRunsWhole) {
  Scheduler scheduler =
      create_scheduler({.max_num_batched_tokens = 100, .enable_chunked_prefill = false});
  add_requests(scheduler, 3, {.num_tokens = 60});
  for (RequestId id = 0; id < 3; ++id) {
    const SchedulerOutput output = scheduler.schedule();
    EXPECT_EQ(num_scheduled_tokens(output).at(id), 60);
    EXPECT_EQ(output.new_requests.size(), 1u);
    update(scheduler, output, make_runner_output(scheduler, output, 0));
  }
  scheduler.check_integrity();
}

TEST(SchedulerTest, MaxNumSeqsLimitsTheRunningRequests) {
  Scheduler scheduler = create_scheduler({.max_num_seqs = 3});
  add_requests(scheduler, 5);
  EXPECT_EQ(scheduler.schedule().num_reqs(), 3);
  EXPECT_EQ(scheduler.running().size(), 3u);
  EXPECT_EQ(ids_of(scheduler.waiting()), (std::vector<RequestId>{3, 4}));
  const SchedulerStats stats = scheduler.stats();
  EXPECT_EQ(stats.num_running_reqs, 3);
  EXPECT_EQ(stats.num_waiting_reqs, 2);
  EXPECT_EQ(stats.num_used_blocks, 3);
  EXPECT_DOUBLE_EQ(stats.kv_cache_usage, 3.0 / 9999);
  scheduler.check_integrity();
}

// 512 tokens take 32 blocks under full attention and 13 in the window.
TEST(SchedulerTest, ARefusalTellsTheLengthThatFitsAllGroups) {
  Scheduler scheduler = create_scheduler(
      {.max_num_batched_tokens = 128,
       .max_model_len = 1000,
       .num_blocks = 32 + 13 + 1,
       .windows = {std::nullopt, 64}}
  );
  scheduler.add_request(create_request({.id = 0, .num_tokens = 600}));
  scheduler.add_request(create_request({.id = 1, .num_tokens = 512}));
  const SchedulerOutput output = scheduler.schedule();
  EXPECT_EQ(num_scheduled_tokens(output), (Counts{{1, 128}}));
  const EngineCoreOutputs outputs = update(scheduler, output, make_runner_output(output, {}));
  const EngineCoreOutput* refused = find_output(outputs, 0);
  ASSERT_NE(refused, nullptr);
  EXPECT_THAT(refused->error, ::testing::HasSubstr("has 600 tokens"));
  EXPECT_THAT(refused->error, ::testing::HasSubstr("at most 512 of one request"));
}

TEST(SchedulerTest, ARequestThatCannotFitIsRefusedAlone) {
  Scheduler scheduler = create_scheduler({.max_model_len = 1000, .num_blocks = 6});
  scheduler.add_request(create_request({.id = 0, .num_tokens = 81}));  // 6 blocks, the cache has 5
  scheduler.add_request(create_request({.id = 1, .num_tokens = 1000}));
  scheduler.add_request(create_request({.id = 2, .prompt = std::vector<int32_t>()}));
  scheduler.add_request(create_request({.id = 3, .num_tokens = 80}));
  EXPECT_TRUE(scheduler.has_work());
  const SchedulerOutput output = scheduler.schedule();
  EXPECT_EQ(num_scheduled_tokens(output), (Counts{{3, 80}}));

  const EngineCoreOutputs outputs =
      update(scheduler, output, make_runner_output(scheduler, output, 1));
  for (const auto& [id, reason] :
       {std::pair<RequestId, const char*>{0, "at most 80 of one request"},
        {1, "max_model_len 1000"},
        {2, "cannot be empty"}}) {
    const EngineCoreOutput* refused = find_output(outputs, id);
    ASSERT_NE(refused, nullptr) << id;
    EXPECT_EQ(refused->finish_reason, FinishReason::kError);
    EXPECT_THAT(refused->error, ::testing::HasSubstr(reason));
    EXPECT_THAT(outputs.new_token_ids(*refused), IsEmpty());
    EXPECT_EQ(scheduler.find_request(id), nullptr);
  }
  ASSERT_NE(find_output(outputs, 3), nullptr);
  EXPECT_FALSE(find_output(outputs, 3)->finish_reason.has_value());
  scheduler.check_integrity();
}

TEST(SchedulerTest, AnAbortedRefusalIsNotTold) {
  Scheduler scheduler = create_scheduler({.max_model_len = 10});
  scheduler.add_request(create_request({.id = 5, .num_tokens = 10}));
  const std::array<RequestId, 1> ids{5};
  EXPECT_THAT(scheduler.finish_requests(ids, RequestStatus::kFinishedAborted), ElementsAre(5));
  EXPECT_FALSE(scheduler.has_work());
  const SchedulerOutput output = scheduler.schedule();
  EXPECT_THAT(update(scheduler, output, {}).outputs, IsEmpty());
}

TEST(SchedulerTest, ReservingTheWholePromptKeepsAPromptOutThatWouldNotFit) {
  for (bool reserve_full_isl : {true, false}) {
    // 10 usable blocks; the first prompt takes 5, the second needs 7.
    Scheduler scheduler = create_scheduler({
        .max_num_batched_tokens = 96,
        .max_model_len = 1000,
        .scheduler_reserve_full_isl = reserve_full_isl,
        .num_blocks = 11,
    });
    scheduler.add_request(create_request({.id = 0, .num_tokens = 80}));
    scheduler.add_request(create_request({.id = 1, .num_tokens = 112}));
    const Counts expected = reserve_full_isl ? Counts{{0, 80}} : Counts{{0, 80}, {1, 16}};
    EXPECT_EQ(num_scheduled_tokens(scheduler.schedule()), expected);
    scheduler.check_integrity();
  }
}

TEST(SchedulerTest, HasWorkUntilTheRunnerKnowsWhatFinished) {
  Scheduler scheduler = create_scheduler();
  add_requests(scheduler, 1);
  scheduler.schedule();
  const std::array<RequestId, 1> ids{0};
  EXPECT_THAT(scheduler.finish_requests(ids, RequestStatus::kFinishedAborted), ElementsAre(0));
  EXPECT_FALSE(scheduler.has_unfinished_requests());
  EXPECT_TRUE(scheduler.has_work());
  const SchedulerOutput& output = scheduler.schedule();
  EXPECT_THAT(output.finished_request_ids, ElementsAre(0));
  EXPECT_EQ(output.total_num_scheduled_tokens, 0);
  EXPECT_FALSE(scheduler.has_work());
  EXPECT_THAT(scheduler.schedule().finished_request_ids, IsEmpty());
  expect_scheduler_is_empty(scheduler);
}

TEST(SchedulerTest, EveryGroupHasItsOwnBlocks) {
  Scheduler scheduler =
      create_scheduler({.num_blocks = 20, .windows = {std::nullopt, std::nullopt}});
  add_requests(scheduler, 2, {.num_tokens = 20});
  const SchedulerOutput output = scheduler.schedule();
  EXPECT_EQ(output.num_groups, 2);
  EXPECT_THAT(output.new_block_starts, ElementsAre(0, 2, 4, 6, 8));
  EXPECT_THAT(output.new_blocks(0, 0), ElementsAre(1, 2));
  EXPECT_THAT(output.new_blocks(0, 1), ElementsAre(3, 4));
  EXPECT_THAT(output.new_blocks(1, 1), ElementsAre(7, 8));
  EXPECT_THAT(output.num_common_prefix_blocks, ElementsAre(0, 0));
  scheduler.check_integrity();
}

}  // namespace
}  // namespace quire::test
