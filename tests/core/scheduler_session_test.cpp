// Resumable requests: sessions whose input comes piece by piece.
#include <array>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/scheduler.h"
#include "quire/error.h"
#include "support/fake_engine.h"
#include "support/scheduler_factory.h"

namespace quire::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Counts = std::map<RequestId, int>;
using Tokens = std::vector<int32_t>;

// Session 0 with the prompt [1, 2, 3].
class SessionTest : public ::testing::Test {
 protected:
  explicit SessionTest(SchedulerOptions options = {.enable_prefix_caching = true})
      : scheduler_(create_scheduler(options)) {
    scheduler_.add_request(create_request({.id = 0, .prompt = Tokens{1, 2, 3}, .resumable = true}));
  }

  void add(Tokens input, bool resumable = true, int max_tokens = 16) {
    scheduler_.add_request(create_request({
        .id = 0,
        .prompt = std::move(input),
        .max_tokens = max_tokens,
        .resumable = resumable,
        .is_streaming_update = true,
    }));
  }
  // A step that samples this token for all requests.
  SchedulerOutput step(int32_t token_id) {
    const SchedulerOutput output = scheduler_.schedule();
    outputs_ = update(scheduler_, output, make_runner_output(scheduler_, output, token_id));
    scheduler_.check_integrity();
    return output;
  }
  const Request& session() const { return *scheduler_.find_request(0); }

  Scheduler scheduler_;
  EngineCoreOutputs outputs_;
};

TEST_F(SessionTest, AStopParksItWithItsBlocks) {
  step(10);
  step(kEosTokenId);
  EXPECT_EQ(outputs_.outputs.at(0).finish_reason, FinishReason::kStop);
  EXPECT_EQ(session().status, RequestStatus::kWaitingForStreamingReq);
  EXPECT_EQ(session().num_computed_tokens, 4);
  EXPECT_EQ(scheduler_.kv_cache_manager().block_ids(session(), 0).size(), 1u);
  EXPECT_THAT(scheduler_.running(), IsEmpty());
  EXPECT_TRUE(scheduler_.has_work()) << "the runner must hear of it";
  EXPECT_THAT(step(0).preempted_request_ids, ElementsAre(0));
  EXPECT_FALSE(scheduler_.has_work());
  EXPECT_TRUE(scheduler_.has_unfinished_requests());
}

TEST_F(SessionTest, ItGoesOnBehindItsOutputButForTheLastToken) {
  step(10);
  step(kEosTokenId);
  step(0);
  add({4, 5});
  EXPECT_EQ(session().status, RequestStatus::kWaiting);
  const SchedulerOutput output = step(20);
  ASSERT_EQ(output.new_requests.size(), 1u);
  EXPECT_THAT(output.new_requests[0].token_ids, ElementsAre(1, 2, 3, 10, 4, 5));
  EXPECT_EQ(output.new_requests[0].num_prompt_tokens, 6);
  EXPECT_EQ(output.requests.at(0).num_computed_tokens, 4);
  EXPECT_EQ(output.requests.at(0).num_scheduled_tokens, 2);
  EXPECT_EQ(output.new_blocks(0, 0).size(), 1u) << "the whole table";
  EXPECT_THAT(output_of(session()), ElementsAre(20));
}

TEST_F(SessionTest, MaxTokensCountAnewWithEachInput) {
  for (int round = 0; round < 3; ++round) {
    const int num_tokens = session().num_tokens();
    for (int i = 0; i < 16; ++i) {
      EXPECT_EQ(session().status == RequestStatus::kWaitingForStreamingReq, false);
      step(10);
    }
    EXPECT_EQ(outputs_.outputs.at(0).finish_reason, FinishReason::kLength);
    EXPECT_EQ(session().num_tokens(), num_tokens + 16);
    step(0);
    add({4, 5});
  }
}

TEST_F(SessionTest, InputThatCameEarlyIsUsedWhenItStops) {
  step(10);
  add({4, 5}, true, /*max_tokens=*/2);
  add({6}, false);
  EXPECT_THAT(session().token_ids, ElementsAre(1, 2, 3, 10));
  step(kEosTokenId);
  EXPECT_EQ(outputs_.outputs.at(0).finish_reason, FinishReason::kStop);
  EXPECT_THAT(session().token_ids, ElementsAre(1, 2, 3, 10, 4, 5));
  step(20);
  step(21);
  EXPECT_EQ(outputs_.outputs.at(0).finish_reason, FinishReason::kLength);
  EXPECT_THAT(session().token_ids, ElementsAre(1, 2, 3, 10, 4, 5, 20, 6));
  step(kEosTokenId);
  step(0);
  expect_scheduler_is_empty(scheduler_);
}

TEST_F(SessionTest, AnEmptyEndFinishesWhatRunsAtItsStop) {
  step(10);
  add({}, false);
  step(11);
  EXPECT_THAT(output_of(session()), ElementsAre(10, 11));
  step(kEosTokenId);
  EXPECT_EQ(outputs_.outputs.at(0).finish_reason, FinishReason::kStop);
  EXPECT_THAT(step(0).finished_request_ids, ElementsAre(0));
  expect_scheduler_is_empty(scheduler_);
}

TEST_F(SessionTest, AnEmptyEndDropsAParkedOne) {
  step(kEosTokenId);
  add({}, false);
  EXPECT_EQ(scheduler_.find_request(0), nullptr);
  step(0);
  expect_scheduler_is_empty(scheduler_);
}

TEST_F(SessionTest, AParkedOneCanBeAborted) {
  step(kEosTokenId);
  const std::array<RequestId, 1> ids{0};
  EXPECT_THAT(scheduler_.finish_requests(ids, RequestStatus::kFinishedAborted), ElementsAre(0));
  EXPECT_THAT(step(0).finished_request_ids, IsEmpty()) << "the runner has forgotten it already";
  expect_scheduler_is_empty(scheduler_);
}

TEST_F(SessionTest, InputBeyondTheModelEndsItWithAReason) {
  step(kEosTokenId);
  add(Tokens(9000, 1));
  EXPECT_EQ(scheduler_.find_request(0), nullptr);
  step(0);
  ASSERT_EQ(outputs_.outputs.size(), 1u);
  EXPECT_EQ(outputs_.outputs[0].finish_reason, FinishReason::kError);
  EXPECT_THAT(outputs_.outputs[0].error, HasSubstr("max_model_len 8192"));
  expect_scheduler_is_empty(scheduler_);
}

TEST_F(SessionTest, InputForOneThatHasEndedIsDropped) {
  const std::array<RequestId, 1> ids{0};
  EXPECT_THAT(scheduler_.finish_requests(ids, RequestStatus::kFinishedAborted), ElementsAre(0));
  add({4, 5});
  expect_scheduler_is_empty(scheduler_);
}

TEST_F(SessionTest, InputForARequestThatTakesNoneIsABug) {
  scheduler_.add_request(create_request({.id = 7}));
  EXPECT_THROW(
      scheduler_.add_request(create_request({.id = 7, .is_streaming_update = true})), InternalError
  );
}

TEST_F(SessionTest, ABlockThatTheDroppedTokenFilledIsHashedAnew) {
  for (int i = 0; i < 12; ++i)
    step(10);
  step(kEosTokenId);  // the 16th token
  EXPECT_EQ(session().block_hashes.size(), 1u);
  step(0);
  add({4, 5});
  EXPECT_EQ(session().block_hashes.size(), 0u);
  step(20);
  Tokens prompt = session().token_ids;
  prompt.resize(17);
  scheduler_.add_request(create_request({.id = 1, .prompt = prompt}));
  const SchedulerOutput output = step(21);
  EXPECT_EQ(num_scheduled_tokens(output), (Counts{{0, 1}, {1, 1}})) << "16 tokens are a hit";
}

class CrowdedSessionTest : public SessionTest {
 protected:
  CrowdedSessionTest() : SessionTest({.num_blocks = 4}) {}  // 3 usable blocks
};

TEST_F(CrowdedSessionTest, AParkedOneGivesItsBlocksToANewRequest) {
  step(10);
  step(kEosTokenId);
  scheduler_.add_request(create_request({.id = 1, .num_tokens = 40}));
  EXPECT_EQ(num_scheduled_tokens(step(7)), (Counts{{1, 40}}));
  EXPECT_EQ(session().num_computed_tokens, 0);
  const std::array<RequestId, 1> ids{1};
  EXPECT_THAT(scheduler_.finish_requests(ids, RequestStatus::kFinishedAborted), ElementsAre(1));
  add({4});
  EXPECT_EQ(num_scheduled_tokens(step(7)), (Counts{{0, 5}})) << "all of it is computed again";
}

TEST_F(CrowdedSessionTest, AParkedOneGivesItsBlocksBeforeAnybodyIsPreempted) {
  step(10);
  step(kEosTokenId);
  scheduler_.add_request(create_request({.id = 1, .num_tokens = 32}));
  EXPECT_EQ(num_scheduled_tokens(step(7)), (Counts{{1, 32}}));
  EXPECT_EQ(session().num_computed_tokens, 4);
  const SchedulerOutput output = step(7);
  EXPECT_EQ(num_scheduled_tokens(output), (Counts{{1, 1}}));
  EXPECT_THAT(output.preempted_request_ids, IsEmpty());
  EXPECT_EQ(session().num_computed_tokens, 0);
}

TEST_F(CrowdedSessionTest, ASilentOneGivesItsBlocksBeforeOneThatHasInput) {
  step(10);
  step(kEosTokenId);
  scheduler_.add_request(create_request({.id = 1, .num_tokens = 17, .resumable = true}));
  step(kEosTokenId);
  add(token_range(100, 30));
  EXPECT_EQ(num_scheduled_tokens(step(7)), (Counts{{0, 30}})) << "what it has stays";
  EXPECT_EQ(scheduler_.find_request(1)->num_computed_tokens, 0);
}

TEST_F(CrowdedSessionTest, AResetTakesItsBlocksToo) {
  step(kEosTokenId);
  EXPECT_FALSE(scheduler_.reset_prefix_cache(/*reset_running_requests=*/false));
  EXPECT_TRUE(scheduler_.reset_prefix_cache(/*reset_running_requests=*/true));
  EXPECT_EQ(scheduler_.kv_cache_manager().pool().num_used_blocks(), 0);
}

// The runner checks every slot, and the client every token.
TEST(SessionEngineTest, TokensAreRightOverManyInputs) {
  for (const bool async_scheduling : {false, true}) {
    FakeEngine engine(
        {.enable_prefix_caching = true, .async_scheduling = async_scheduling, .num_blocks = 40}
    );
    engine.add({.prompt = token_range(0, 20), .max_tokens = 30, .resumable = true});
    engine.add({.prompt = token_range(0, 50), .max_tokens = 300});
    for (int round = 0; round < 4; ++round) {
      for (int i = 0; i < 40; ++i)
        engine.step();
      engine.extend(0, token_range(round, 7), /*resumable=*/true);
    }
    engine.run_to_the_end();
    EXPECT_EQ(engine.num_continued(), 4);
    EXPECT_EQ(engine.num_finished(), 1);
    expect_scheduler_is_empty(engine.scheduler());
  }
}

}  // namespace
}  // namespace quire::test
