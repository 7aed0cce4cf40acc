// Asynchronous scheduling: a step is planned before the tokens of the one before it are known.
#include <array>
#include <deque>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/scheduler.h"
#include "support/fake_engine.h"
#include "support/scheduler_factory.h"

namespace quire::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Counts = std::map<RequestId, int>;

SchedulerOptions async_options() {
  return {.async_scheduling = true};
}

// Two steps are under way at all times; each token is the sampled one's own number.
class TwoStepsAhead {
 public:
  explicit TwoStepsAhead(const SchedulerOptions& options) : scheduler_(create_scheduler(options)) {}

  void start() {
    steps_.push_back(scheduler_.schedule());
    scheduler_.check_integrity();
    num_scheduled_tokens_ += steps_.back().total_num_scheduled_tokens;
  }
  EngineCoreOutputs finish() {
    const SchedulerOutput output = std::move(steps_.front());
    steps_.pop_front();
    const EngineCoreOutputs outputs =
        update(scheduler_, output, make_runner_output(scheduler_, output, 7));
    for (const EngineCoreOutput& told : outputs.outputs)
      num_output_tokens_[told.request_id] += told.num_new_tokens;
    scheduler_.check_integrity();
    return outputs;
  }
  void run_to_the_end() {
    while (scheduler_.has_work() || !steps_.empty()) {
      while (steps_.size() < 2)
        start();
      finish();
      if (!scheduler_.has_unfinished_requests()) {
        while (!steps_.empty())
          finish();
      }
    }
  }

  Scheduler& scheduler() { return scheduler_; }
  const SchedulerOutput& newest() const { return steps_.back(); }
  int num_scheduled_tokens() const { return num_scheduled_tokens_; }
  Counts num_output_tokens() const { return num_output_tokens_; }

 private:
  Scheduler scheduler_;
  std::deque<SchedulerOutput> steps_;
  int num_scheduled_tokens_ = 0;
  Counts num_output_tokens_;
};

TEST(AsyncSchedulingTest, ARequestIsScheduledAgainBeforeItsTokenIsKnown) {
  TwoStepsAhead engine(async_options());
  add_requests(engine.scheduler(), 1);
  engine.start();
  EXPECT_EQ(engine.scheduler().find_request(0)->num_output_placeholders, 1);
  engine.start();
  EXPECT_EQ(num_scheduled_tokens(engine.newest()), (Counts{{0, 1}}));
  EXPECT_EQ(engine.newest().requests.at(0).num_computed_tokens, 10);
  EXPECT_EQ(engine.newest().requests.at(0).num_draft_tokens, 0);
  EXPECT_EQ(engine.scheduler().find_request(0)->num_output_placeholders, 2);
  engine.finish();
  EXPECT_EQ(engine.scheduler().find_request(0)->num_output_placeholders, 1);
}

class AsyncMaxTokensTest : public ::testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(MaxTokens, AsyncMaxTokensTest, ::testing::Values(1, 2, 3, 5));

TEST_P(AsyncMaxTokensTest, NoTokenTooManyIsScheduled) {
  const int max_tokens = GetParam();
  TwoStepsAhead engine(async_options());
  engine.scheduler().add_request(create_request({.id = 0, .max_tokens = max_tokens}));
  engine.start();
  engine.scheduler().add_request(create_request({.id = 1, .max_tokens = max_tokens}));
  engine.run_to_the_end();
  EXPECT_EQ(engine.num_scheduled_tokens(), 2 * (10 + max_tokens - 1));
  EXPECT_EQ(engine.num_output_tokens(), (Counts{{0, max_tokens}, {1, max_tokens}}));
  expect_scheduler_is_empty(engine.scheduler());
}

TEST(AsyncSchedulingTest, NoTokenBeyondTheModelIsScheduled) {
  TwoStepsAhead engine({.max_model_len = 14, .async_scheduling = true});
  add_requests(engine.scheduler(), 1, {.max_tokens = std::nullopt});
  engine.run_to_the_end();
  EXPECT_EQ(engine.num_scheduled_tokens(), 13);
  EXPECT_EQ(engine.num_output_tokens(), (Counts{{0, 4}}));
}

TEST(AsyncSchedulingTest, AStopTokenDropsTheStepThatWasPlannedBehindIt) {
  TwoStepsAhead engine(async_options());
  engine.scheduler().add_request(create_request({.id = 0, .stop_token_ids = {7}}));
  engine.start();
  engine.start();
  const EngineCoreOutputs first = engine.finish();
  EXPECT_EQ(first.outputs.at(0).finish_reason, FinishReason::kStop);
  EXPECT_THAT(engine.finish().outputs, IsEmpty());
  EXPECT_EQ(engine.num_output_tokens(), (Counts{{0, 1}}));
  engine.start();
  EXPECT_THAT(engine.newest().finished_request_ids, ElementsAre(0));
  engine.finish();
  expect_scheduler_is_empty(engine.scheduler());
}

constexpr std::array<RequestId, 10> kAbortOrder{0, 8, 3, 1, 6, 4, 2, 5, 7, 9};

TEST(AsyncSchedulingTest, AbortsWithTwoStepsUnderWay) {
  TwoStepsAhead engine(async_options());
  add_requests(engine.scheduler(), 10);
  engine.start();
  engine.start();
  int num_tokens = 0;
  for (const RequestId id : kAbortOrder) {
    const std::array<RequestId, 1> ids{id};
    EXPECT_EQ(engine.scheduler().find_request(id)->num_output_tokens(), num_tokens);
    EXPECT_THAT(
        engine.scheduler().finish_requests(ids, RequestStatus::kFinishedAborted), ElementsAre(id)
    );
    engine.finish();
    engine.start();
    ++num_tokens;
  }
  for (size_t i = 0; i < kAbortOrder.size(); ++i) {
    const Counts counts = engine.num_output_tokens();
    const auto found = counts.find(kAbortOrder[i]);
    EXPECT_EQ(found == counts.end() ? 0 : found->second, static_cast<int>(i));
  }
  engine.finish();
  engine.finish();
  expect_scheduler_is_empty(engine.scheduler());
}

TEST(AsyncSchedulingTest, APreemptedRequestGetsItsTokenBeforeItComesBack) {
  TwoStepsAhead engine(async_options());
  add_requests(engine.scheduler(), 3, {.max_tokens = 8});
  engine.start();
  engine.start();
  EXPECT_TRUE(engine.scheduler().reset_prefix_cache(/*reset_running_requests=*/true));
  engine.start();
  EXPECT_EQ(engine.newest().num_reqs(), 0) << "two tokens of each are under way";
  EXPECT_THAT(engine.newest().preempted_request_ids, ElementsAre(2, 1, 0));
  engine.finish();
  engine.start();
  EXPECT_EQ(engine.newest().num_reqs(), 0);
  engine.finish();
  engine.start();
  EXPECT_EQ(num_scheduled_tokens(engine.newest()), (Counts{{0, 12}, {1, 12}, {2, 12}}));
  engine.run_to_the_end();
  EXPECT_EQ(engine.num_output_tokens(), (Counts{{0, 8}, {1, 8}, {2, 8}}));
  expect_scheduler_is_empty(engine.scheduler());
}

TEST(AsyncSchedulingTest, SamePromptsShareTheirBlocksWithinAStep) {
  TwoStepsAhead engine({.enable_prefix_caching = true, .async_scheduling = true});
  for (RequestId id = 0; id < 5; ++id) {
    engine.scheduler().add_request(create_request({.id = id, .prompt = token_range(0, 100)}));
  }
  engine.start();
  EXPECT_EQ(
      num_scheduled_tokens(engine.newest()), (Counts{{0, 100}, {1, 4}, {2, 4}, {3, 4}, {4, 4}})
  );
}

TEST(AsyncSchedulingTest, ASecondTurnHitsAllFullBlocksOfTheFirst) {
  TwoStepsAhead engine({.enable_prefix_caching = true, .async_scheduling = true});
  for (RequestId id = 0; id < 5; ++id) {
    const auto prompt = token_range(static_cast<int32_t>(1000 * id), 100);
    engine.scheduler().add_request(create_request({.id = id, .prompt = prompt, .max_tokens = 200}));
  }
  engine.run_to_the_end();
  for (RequestId id = 0; id < 5; ++id) {
    std::vector<int32_t> prompt = token_range(static_cast<int32_t>(1000 * id), 100);
    prompt.insert(prompt.end(), 200, 7);
    engine.scheduler().add_request(create_request({.id = 5 + id, .prompt = prompt}));
  }
  engine.start();
  EXPECT_EQ(
      num_scheduled_tokens(engine.newest()), (Counts{{5, 12}, {6, 12}, {7, 12}, {8, 12}, {9, 12}})
  );
}

TEST(AsyncSchedulingTest, ABlockWhoseLastTokenWasAPlaceholderIsCachedAtTheEnd) {
  // 10 tokens and 7 more: the block is full with the last token that is computed.
  TwoStepsAhead engine({.enable_prefix_caching = true, .async_scheduling = true});
  add_requests(engine.scheduler(), 1, {.max_tokens = 7});
  engine.run_to_the_end();
  EXPECT_EQ(engine.scheduler().kv_cache_manager().pool().num_cached_blocks(), 1);
}

TEST(AsyncSchedulingTest, DraftsWaitForTheTokenThatTheyFollow) {
  TwoStepsAhead engine(async_options());
  add_requests(engine.scheduler(), 1);
  engine.start();
  engine.scheduler().set_draft_tokens(0, std::vector<int32_t>{7, 7});  // too early
  engine.finish();
  engine.scheduler().set_draft_tokens(0, std::vector<int32_t>{7, 7});
  engine.start();
  EXPECT_EQ(num_scheduled_tokens(engine.newest()), (Counts{{0, 3}}));
  engine.start();
  EXPECT_EQ(engine.newest().num_reqs(), 0) << "how many are accepted is not known yet";
  engine.finish();
  engine.finish();
  engine.start();
  EXPECT_EQ(num_scheduled_tokens(engine.newest()), (Counts{{0, 1}}));
}

// The runner checks every slot, and the client every token.
TEST(AsyncEngineTest, TokensAreThoseOfSynchronousScheduling) {
  FakeEngine engine({
      .max_num_batched_tokens = 64,
      .max_model_len = 256,
      .enable_prefix_caching = true,
      .async_scheduling = true,
      .block_size = 4,
      .num_blocks = 60,
  });
  for (int i = 0; i < 12; ++i) {
    engine.add({
        .prompt = token_range(i % 3, 10 + i),
        .max_tokens = 40,
        .stop_token_ids = token_range(0, i % 2 ? 60 : 0),
    });
  }
  engine.run_to_the_end();
  EXPECT_EQ(engine.num_finished(), 12);
  EXPECT_GT(engine.num_stopped(), 2);
  EXPECT_GT(engine.num_overlapped_steps(), 40);
  EXPECT_GT(engine.num_hit_tokens(), 0);
  EXPECT_GT(engine.scheduler().stats().num_preemptions, 0);
  expect_scheduler_is_empty(engine.scheduler());
}

}  // namespace
}  // namespace quire::test
