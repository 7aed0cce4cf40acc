// The engine core's steps over a real scheduler and a runner without a model.
#include "engine/engine_core.h"

#include <array>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/scheduler.h"
#include "engine/threaded_executor.h"
#include "quire/error.h"
#include "support/fake_runner.h"
#include "support/scheduler_factory.h"
#include "support/step_control.h"

namespace quire::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Remembers the order of the calls: 'e' for execute_model, 's' for sample_tokens.
class RecordingExecutor final : public Executor {
 public:
  RecordingExecutor(
      const KVCacheConfig& config, std::string& calls, std::vector<RequestFailure>& failures
  )
      : runner_(config), calls_(calls), failures_(failures) {}
  void execute_model(const SchedulerOutput& output) override {
    calls_ += 'e';
    results_.push_back(runner_.execute(output));
  }
  ModelRunnerOutput& sample_tokens() override {
    calls_ += 's';
    current_ = std::move(results_.front());
    results_.erase(results_.begin());
    current_.failures = std::exchange(failures_, {});
    return current_;
  }

 private:
  FakeRunner runner_;
  std::string& calls_;
  std::vector<RequestFailure>& failures_;  // of the next result
  std::vector<ModelRunnerOutput> results_;
  ModelRunnerOutput current_;
};

class EngineCoreTest : public ::testing::Test {
 protected:
  explicit EngineCoreTest(SchedulerOptions options = {.enable_prefix_caching = true})
      : core_(
            std::unique_ptr<SchedulerInterface>(new Scheduler(create_scheduler(options))),
            std::make_unique<RecordingExecutor>(make_kv_cache_config(options), calls_, failures_),
            options.num_blocks,
            options.async_scheduling ? 2 : 1
        ) {}

  static std::vector<int32_t> prompt_of(RequestId id) {
    return token_range(static_cast<int32_t>(100 * id), 20);
  }
  void add(RequestId id, int max_tokens = 5) {
    core_.add_request(create_request({.id = id, .prompt = prompt_of(id), .max_tokens = max_tokens})
    );
  }
  void step() {
    EngineCoreOutputs outputs;
    core_.step(outputs);
    take(outputs);
  }
  void take(const EngineCoreOutputs& outputs) {
    for (const EngineCoreOutput& told : outputs.outputs) {
      const auto ids = outputs.new_token_ids(told);
      tokens_[told.request_id].insert(tokens_[told.request_id].end(), ids.begin(), ids.end());
      if (told.finish_reason) reasons_[told.request_id] = *told.finish_reason;
      if (!told.error.empty()) errors_[told.request_id] = told.error;
    }
  }
  void run_to_the_end() {
    for (int i = 0; core_.has_work(); ++i) {
      ASSERT_LT(i, 1000);
      step();
    }
  }
  void abort(RequestId id) {
    EngineCoreOutputs outputs;
    const std::array<RequestId, 1> ids{id};
    core_.abort_requests(ids, outputs);
    take(outputs);
  }
  void pause(PauseMode mode) {
    EngineCoreOutputs outputs;
    core_.pause(mode, outputs);
    take(outputs);
  }
  void expect_complete(RequestId id, int num_tokens = 5) {
    EXPECT_EQ(tokens_[id], FakeRunner::continuation(prompt_of(id), num_tokens));
    EXPECT_EQ(reasons_.at(id), FinishReason::kLength);
  }

  std::string calls_;
  std::vector<RequestFailure> failures_;
  EngineCore core_;
  std::map<RequestId, std::vector<int32_t>> tokens_;
  std::map<RequestId, FinishReason> reasons_;
  std::map<RequestId, std::string> errors_;
};

TEST_F(EngineCoreTest, ARequestThatCouldNotBeSampledForFailsAlone) {
  add(1);
  add(2);
  add(3);
  step();
  failures_ = {{.req_idx = 1, .reason = "no rule for that"}};
  step();
  EXPECT_EQ(reasons_, (std::map<RequestId, FinishReason>{{2, FinishReason::kError}}));
  EXPECT_EQ(errors_.at(2), "no rule for that");
  EXPECT_EQ(tokens_[2].size(), 1u) << "the token of the failed step means nothing";
  run_to_the_end();
  expect_complete(1);
  expect_complete(3);
  EXPECT_EQ(core_.stats().kv_cache_usage, 0.0);
}

TEST_F(EngineCoreTest, ServesRequestsThatComeWhileOthersRun) {
  add(1);
  step();
  EXPECT_EQ(core_.stats().num_running_reqs, 1);
  add(2);
  EXPECT_EQ(core_.stats().num_running_reqs, 1) << "it has not taken part in a step yet";
  step();
  EXPECT_EQ(core_.stats().num_running_reqs, 2);
  run_to_the_end();
  expect_complete(1);
  expect_complete(2);
  EXPECT_EQ(core_.stats().num_running_reqs, 0);
  EXPECT_EQ(core_.stats().num_overlapped_steps, 0);
}

TEST_F(EngineCoreTest, AnAbortedRequestIsToldOnceAndItsIdCanBeUsedAgain) {
  add(1);
  add(2);
  step();
  abort(1);
  abort(1);
  abort(99);
  EXPECT_EQ(reasons_, (std::map<RequestId, FinishReason>{{1, FinishReason::kAbort}}));
  tokens_.erase(1);
  add(1);
  run_to_the_end();
  expect_complete(1);
  expect_complete(2);
}

TEST_F(EngineCoreTest, WithoutWorkAStepDoesNothing) {
  step();
  EXPECT_EQ(calls_, "");
  EXPECT_EQ(core_.stats().num_steps, 0);
}

TEST_F(EngineCoreTest, APauseThatAbortsEndsAllAndKeepsNewOnesWaiting) {
  add(1);
  step();
  pause(PauseMode::kAbort);
  EXPECT_EQ(reasons_.at(1), FinishReason::kAbort);
  EXPECT_TRUE(core_.stats().is_paused);
  add(2);
  run_to_the_end();
  EXPECT_THAT(tokens_[2], IsEmpty());
  core_.resume();
  EXPECT_FALSE(core_.stats().is_paused);
  run_to_the_end();
  expect_complete(2);
}

TEST_F(EngineCoreTest, APauseThatWaitsLetsTheRunningFinish) {
  add(1);
  step();
  pause(PauseMode::kWait);
  add(2);
  run_to_the_end();
  expect_complete(1);
  EXPECT_THAT(tokens_[2], IsEmpty());
  core_.resume();
  run_to_the_end();
  expect_complete(2);
}

TEST_F(EngineCoreTest, APauseThatKeepsFreezesTheRunning) {
  add(1);
  step();
  pause(PauseMode::kKeep);
  run_to_the_end();
  EXPECT_EQ(tokens_[1].size(), 1u);
  EXPECT_TRUE(core_.reset_prefix_cache(/*reset_running_requests=*/true));
  core_.resume();
  run_to_the_end();
  expect_complete(1);
  EXPECT_EQ(core_.stats().num_preemptions, 1) << "it was computed anew after the reset";
}

class AsyncEngineCoreTest : public EngineCoreTest {
 protected:
  AsyncEngineCoreTest()
      : EngineCoreTest({.enable_prefix_caching = true, .async_scheduling = true}) {}
  void TearDown() override {
    EXPECT_GT(core_.stats().num_overlapped_steps, 0) << "no step was planned ahead";
  }
};

TEST_F(AsyncEngineCoreTest, AStepIsPlannedBeforeTheOneBeforeItIsRead) {
  add(1);
  step();
  EXPECT_EQ(calls_, "ees");
  EXPECT_EQ(tokens_[1].size(), 1u);
  EXPECT_TRUE(core_.has_work());
  run_to_the_end();
  expect_complete(1);
  // Five steps with tokens, then one that tells the runner what finished.
  EXPECT_EQ(calls_, "eesesesesses");
  EXPECT_EQ(core_.stats().num_steps, 5);
  EXPECT_EQ(core_.stats().num_scheduled_tokens, 20 + 5 - 1);
  EXPECT_EQ(core_.stats().num_overlapped_steps, 4);
}

TEST_F(AsyncEngineCoreTest, RequestsThatComeBetweenStepsAreServedRight) {
  for (RequestId id = 1; id <= 6; ++id) {
    add(id, static_cast<int>(id));
    step();
  }
  run_to_the_end();
  for (RequestId id = 1; id <= 6; ++id)
    expect_complete(id, static_cast<int>(id));
}

TEST_F(AsyncEngineCoreTest, AnAbortWithStepsUnderWayDropsTheirTokens) {
  add(1);
  add(2);
  step();
  abort(1);
  run_to_the_end();
  EXPECT_EQ(tokens_[1].size(), 1u);
  EXPECT_EQ(reasons_.at(1), FinishReason::kAbort);
  expect_complete(2);
}

TEST_F(AsyncEngineCoreTest, AFailedRequestIsToldOnceWithStepsUnderWay) {
  add(1);
  add(2);
  step();
  failures_ = {{.req_idx = 0, .reason = "no rule for that"}};
  step();
  failures_ = {{.req_idx = 0, .reason = "told already"}};
  step();
  EXPECT_EQ(errors_, (std::map<RequestId, std::string>{{1, "no rule for that"}}));
  EXPECT_EQ(tokens_[1].size(), 1u);
  run_to_the_end();
  expect_complete(2);
}

TEST_F(AsyncEngineCoreTest, APauseThatKeepsFinishesTheStepsUnderWay) {
  add(1);
  step();
  pause(PauseMode::kKeep);
  EXPECT_TRUE(core_.has_work()) << "one step is under way";
  step();
  EXPECT_FALSE(core_.has_work());
  EXPECT_EQ(tokens_[1].size(), 2u);
  EXPECT_TRUE(core_.reset_prefix_cache(/*reset_running_requests=*/true));
  core_.resume();
  run_to_the_end();
  expect_complete(1);
}

TEST_F(AsyncEngineCoreTest, ARefusalIsToldWhileOthersRun) {
  add(1);
  step();
  core_.add_request(create_request({.id = 2, .num_tokens = 9000}));
  step();
  EXPECT_EQ(reasons_.at(2), FinishReason::kError);
  run_to_the_end();
  expect_complete(1);
}

// Fails in its second step.
class FailingExecutor final : public Executor {
 public:
  void execute_model(const SchedulerOutput&) override {
    if (++num_steps_ == 2) throw std::runtime_error("the device is gone");
  }
  ModelRunnerOutput& sample_tokens() override {
    result_.sampled_token_ids = {num_steps_};
    return result_;
  }

 private:
  int num_steps_ = 0;
  ModelRunnerOutput result_;
};

TEST(ThreadedExecutorTest, ResultsComeInOrderAndStayWhileTheNextStepRuns) {
  const SchedulerOptions options;
  Scheduler scheduler = create_scheduler(options);
  add_requests(scheduler, 1, {.num_tokens = 20});
  StepControl control;
  ThreadedExecutor executor(
      std::make_unique<FakeExecutor>(make_kv_cache_config(options), control), /*max_steps=*/2
  );
  const SchedulerOutput first = scheduler.schedule();
  executor.execute_model(first);
  ModelRunnerOutput& result = executor.sample_tokens();
  const std::vector<int32_t> expected = FakeRunner::continuation(std::vector<int32_t>(20, 0), 2);
  EXPECT_THAT(result.sampled_token_ids, ElementsAre(expected[0]));
  update(scheduler, first, result);
  const SchedulerOutput second = scheduler.schedule();
  executor.execute_model(second);
  EXPECT_THAT(executor.sample_tokens().sampled_token_ids, ElementsAre(expected[1]));
  EXPECT_THAT(result.sampled_token_ids, ElementsAre(expected[0]));
}

TEST(ThreadedExecutorTest, WhatAStepThrowsComesOutOfItsResult) {
  ThreadedExecutor executor(std::make_unique<FailingExecutor>(), /*max_steps=*/2);
  const SchedulerOutput output;
  executor.execute_model(output);
  executor.execute_model(output);
  EXPECT_THAT(executor.sample_tokens().sampled_token_ids, ElementsAre(1));
  EXPECT_THROW(executor.sample_tokens(), std::runtime_error);
  EXPECT_THROW(executor.sample_tokens(), InternalError) << "no step is under way";
}

TEST(ThreadedExecutorTest, NothingRunsAfterAFailure) {
  ThreadedExecutor executor(std::make_unique<FailingExecutor>(), /*max_steps=*/3);
  const SchedulerOutput output;
  for (int step = 0; step < 3; ++step)
    executor.execute_model(output);
  (void)executor.sample_tokens();
  EXPECT_THROW(executor.sample_tokens(), std::runtime_error);
  EXPECT_THROW(executor.sample_tokens(), std::runtime_error) << "the third would have succeeded";
}

TEST(ThreadedExecutorTest, MoreStepsThanItHoldsAreABug) {
  ThreadedExecutor executor(std::make_unique<FailingExecutor>(), /*max_steps=*/1);
  const SchedulerOutput output;
  executor.execute_model(output);
  EXPECT_THROW(executor.execute_model(output), InternalError);
}

}  // namespace
}  // namespace quire::test
