// The engine core on its thread: a real scheduler over a runner without a model.
#include "engine/inproc_client.h"

#include <chrono>
#include <future>
#include <thread>

#include <gtest/gtest.h>

#include "support/fake_engine_core_client.h"
#include "support/scheduler_factory.h"
#include "support/step_control.h"

namespace quire {
namespace {

using test::StepControl;

class InprocClientTest : public ::testing::Test {
 protected:
  std::unique_ptr<EngineCoreClient> start() {
    const test::SchedulerOptions options{.enable_prefix_caching = true, .num_blocks = 100};
    return make_inproc_client(std::make_unique<EngineCore>(
        std::unique_ptr<SchedulerInterface>(new Scheduler(test::create_scheduler(options))),
        std::make_unique<test::FakeExecutor>(test::make_kv_cache_config(options), control_),
        options.num_blocks
    ));
  }

  static std::unique_ptr<Request> make_request(RequestId id, int max_tokens) {
    return test::create_request(
        {.id = id,
         .prompt = test::token_range(10, 20),
         .max_tokens = max_tokens,
         .ignore_eos = true}
    );
  }

  static void add(EngineCoreClient& client, std::unique_ptr<Request> request) {
    std::vector<std::unique_ptr<Request>> completions;
    completions.push_back(std::move(request));
    client.add_requests(std::move(completions));
  }

  // Reads until the request ends or the engine does; its tokens.
  static std::vector<int32_t> read(
      EngineCoreClient& client, RequestId id, std::optional<FinishReason>& reason
  ) {
    std::vector<int32_t> tokens;
    EngineCoreOutputs outputs;
    while (!reason && client.wait_outputs(outputs)) {
      for (const EngineCoreOutput& output : outputs.outputs) {
        if (output.request_id != id) continue;
        const auto ids = outputs.new_token_ids(output);
        tokens.insert(tokens.end(), ids.begin(), ids.end());
        reason = output.finish_reason;
      }
    }
    return tokens;
  }

  // Lets the steps run that waited from the start.
  void allow_steps() {
    control_.waits_for_allowance = false;
    control_.allowed_steps.release();
  }

  StepControl control_;
};

// Each output is awaited: a stream's reader wants it at once. Six steps start freely, the sixth
// finds five unread; from there on each waits 20 ms for the reader.
TEST_F(InprocClientTest, GoesAFewStepsAheadOfItsReader) {
  constexpr int kNumFree = 6;
  constexpr int kNumHeldUp = 5;
  const auto client = start();
  const auto begin = std::chrono::steady_clock::now();
  add(*client, make_request(7, 1000));
  for (int i = 0; i < kNumFree + kNumHeldUp; ++i)
    control_.started_steps.acquire();
  EXPECT_GE(std::chrono::steady_clock::now() - begin, kNumHeldUp * std::chrono::milliseconds(20))
      << "nothing held the engine back";
  std::optional<FinishReason> reason;
  EXPECT_EQ(read(*client, 7, reason).size(), 1000u);
}

TEST_F(InprocClientTest, HandsOutTheTokensOfEveryStep) {
  const auto client = start();
  add(*client, make_request(7, 30));
  std::optional<FinishReason> reason;
  const std::vector<int32_t> tokens = read(*client, 7, reason);
  EXPECT_EQ(tokens, test::FakeRunner::continuation(test::token_range(10, 20), 30));
  EXPECT_EQ(reason, FinishReason::kLength);
  EXPECT_EQ(client->stats().num_steps, 30);
  EXPECT_EQ(client->dead_reason(), std::nullopt);
}

TEST_F(InprocClientTest, HoldsBackWhatNobodyReadsBeforeTheEnd) {
  control_.waits_for_allowance = true;
  const auto client = start();
  auto request = make_request(7, 30);
  request->sampling_params.output_kind = RequestOutputKind::kFinalOnly;
  add(*client, std::move(request));
  auto first = std::async(std::launch::async, [&] {
    EngineCoreOutputs outputs;
    return client->wait_outputs(outputs);
  });
  control_.started_steps.acquire();
  control_.allowed_steps.release();
  control_.started_steps.acquire();  // the first step's token is in the mailbox
  EXPECT_EQ(first.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout);
  control_.allowed_steps.release();  // the next comes too late to hold the first back further
  EXPECT_TRUE(first.get());
  allow_steps();
  std::optional<FinishReason> reason;
  EXPECT_EQ(read(*client, 7, reason).size(), 29u);
  EXPECT_EQ(reason, FinishReason::kLength);
}

TEST_F(InprocClientTest, AnAbortEndsARequestWithItsReason) {
  control_.waits_for_allowance = true;
  const auto client = start();
  add(*client, make_request(7, 1500));
  client->abort_requests({7});
  allow_steps();
  std::optional<FinishReason> reason;
  (void)read(*client, 7, reason);
  EXPECT_EQ(reason, FinishReason::kAbort);
}

TEST_F(InprocClientTest, AFailingStepKillsTheEngine) {
  control_.num_steps_to_failure = 3;
  const auto client = start();
  add(*client, make_request(7, 30));
  std::optional<FinishReason> reason;
  EXPECT_EQ(read(*client, 7, reason).size(), 3u) << "what the steps before gave";
  EXPECT_EQ(reason, std::nullopt);
  EXPECT_EQ(client->dead_reason(), "the device is gone");
  EngineCoreOutputs outputs;
  add(*client, make_request(8, 30));
  client->abort_requests({7});
  EXPECT_FALSE(client->wait_outputs(outputs)) << "a dead engine says no more";
  client->shutdown();
  EXPECT_EQ(client->dead_reason(), "the device is gone");
}

TEST_F(InprocClientTest, AFailingStepEndsEveryStream) {
  control_.num_steps_to_failure = 3;
  control_.waits_for_allowance = true;
  LoadedEngine loaded = test::load_with_fake_core(std::make_unique<test::FakeEngineCoreClient>());
  loaded.core = start();
  AsyncEngine engine(std::move(loaded));
  SamplingParams params;
  params.ignore_eos = true;
  const auto first = engine.add_request("first", {.token_ids = {10, 11}}, params);
  const auto second = engine.add_request("second", {.token_ids = {20, 21}}, params);
  allow_steps();
  for (RequestStream* stream : {first.get(), second.get()}) {
    RequestOutput last;
    while (auto output = stream->next())
      last = std::move(*output);
    EXPECT_EQ(last.error, "the device is gone");
    EXPECT_EQ(last.outputs.at(0).finish_reason, FinishReason::kError);
  }
  EXPECT_EQ(engine.dead_reason(), "the device is gone");
}

TEST_F(InprocClientTest, ResetsThePrefixCacheBetweenRequests) {
  const auto client = start();
  for (RequestId id = 1; id <= 2; ++id) {
    add(*client, make_request(id, 2));
    std::optional<FinishReason> reason;
    (void)read(*client, id, reason);
    ASSERT_EQ(reason, FinishReason::kLength);
    EXPECT_EQ(client->stats().prefix_cache_hits, 0) << "the first request's blocks are forgotten";
    EXPECT_TRUE(client->reset_prefix_cache(false));
  }
}

TEST_F(InprocClientTest, ADeadEngineResetsNothing) {
  control_.num_steps_to_failure = 0;
  const auto client = start();
  add(*client, make_request(7, 30));
  EngineCoreOutputs outputs;
  ASSERT_FALSE(client->wait_outputs(outputs));
  EXPECT_FALSE(client->reset_prefix_cache(true));
}

TEST_F(InprocClientTest, AResetThatTheEngineDiesUnderIsAnswered) {
  control_.num_steps_to_failure = 0;
  control_.waits_for_allowance = true;
  const auto client = start();
  add(*client, make_request(7, 30));
  control_.started_steps.acquire();
  auto reset = std::async(std::launch::async, [&] { return client->reset_prefix_cache(true); });
  control_.allowed_steps.release();
  EXPECT_FALSE(reset.get());
}

TEST_F(InprocClientTest, APauseThatWaitsIsAnsweredWhenNothingRuns) {
  control_.waits_for_allowance = true;
  const auto client = start();
  add(*client, make_request(7, 3));
  control_.started_steps.acquire();
  auto pause =
      std::async(std::launch::async, [&] { return client->pause(PauseMode::kWait, false); });
  EXPECT_EQ(pause.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout);
  allow_steps();
  EXPECT_TRUE(pause.get());
  EXPECT_TRUE(client->stats().is_paused);
  std::optional<FinishReason> reason;
  EXPECT_EQ(read(*client, 7, reason).size(), 3u);

  add(*client, make_request(8, 3));
  client->resume();
  EXPECT_FALSE(client->stats().is_paused);
  reason.reset();
  EXPECT_EQ(read(*client, 8, reason).size(), 3u);
}

TEST_F(InprocClientTest, APauseCanForgetThePrefixCache) {
  const auto client = start();
  RequestId id = 1;
  for (const bool clear_cache : {false, true}) {
    for (const bool is_second : {false, true}) {
      const int64_t num_hits_before = client->stats().prefix_cache_hits;
      add(*client, make_request(id, 1));
      std::optional<FinishReason> reason;
      ASSERT_EQ(read(*client, id++, reason).size(), 1u);
      const int64_t num_hits = client->stats().prefix_cache_hits - num_hits_before;
      EXPECT_EQ(num_hits, is_second && !clear_cache ? 16 : 0);
      ASSERT_TRUE(client->pause(PauseMode::kAbort, clear_cache || is_second));
      client->resume();
    }
  }
}

TEST_F(InprocClientTest, AResumeEndsAPauseThatStillWaits) {
  control_.waits_for_allowance = true;
  const auto client = start();
  add(*client, make_request(7, 1500));
  control_.started_steps.acquire();
  auto pause =
      std::async(std::launch::async, [&] { return client->pause(PauseMode::kWait, true); });
  EXPECT_EQ(pause.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout);
  auto resume = std::async(std::launch::async, [&] { client->resume(); });
  EXPECT_EQ(resume.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout);
  allow_steps();
  resume.get();
  EXPECT_FALSE(pause.get());
  std::optional<FinishReason> reason;
  EXPECT_EQ(read(*client, 7, reason).size(), 1500u);
}

TEST_F(InprocClientTest, ADeadEngineCannotBePaused) {
  control_.num_steps_to_failure = 0;
  const auto client = start();
  add(*client, make_request(7, 30));
  EngineCoreOutputs outputs;
  ASSERT_FALSE(client->wait_outputs(outputs));
  EXPECT_FALSE(client->pause(PauseMode::kKeep, true));
  client->resume();
}

TEST_F(InprocClientTest, AShutdownStopsLiveRequests) {
  control_.waits_for_allowance = true;
  const auto client = start();
  add(*client, make_request(7, 1500));
  control_.started_steps.acquire();
  auto shutdown = std::async(std::launch::async, [&] { client->shutdown(); });
  while (shutdown.wait_for(std::chrono::milliseconds(1)) != std::future_status::ready)
    control_.allowed_steps.release();
  std::optional<FinishReason> reason;
  EXPECT_LT(read(*client, 7, reason).size(), 1500u);
  EXPECT_EQ(reason, std::nullopt) << "the reader ends the streams";
  EXPECT_EQ(client->dead_reason(), std::nullopt) << "it was told to stop";
  EXPECT_FALSE(client->reset_prefix_cache(false));
}

}  // namespace
}  // namespace quire
