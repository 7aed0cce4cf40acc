// An engine that sleeps has given the KV cache's memory back, and goes on where it was.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "quire/async_engine.h"
#include "quire/error.h"
#include "support/test_paths.h"

namespace quire {
namespace {

using ::testing::HasSubstr;

EngineConfig small_chat() {
  EngineConfig config;
  config.model = (test::bundled_models_dir() / "small-chat").string();
  config.max_model_len = 1024;
  config.num_gpu_blocks_override = 100;
  config.use_tqdm_on_load = false;
  return config;
}

SamplingParams greedy(int max_tokens) {
  SamplingParams params;
  params.temperature = 0.0;
  params.max_tokens = max_tokens;
  params.ignore_eos = true;
  params.output_kind = RequestOutputKind::kDelta;
  return params;
}

std::vector<int32_t> read_to_end(RequestStream& stream) {
  std::vector<int32_t> ids;
  while (const auto output = stream.next()) {
    for (const CompletionOutput& completion : output->outputs)
      ids.insert(ids.end(), completion.token_ids.begin(), completion.token_ids.end());
  }
  return ids;
}

const Prompt kPrompt{.text = "Once upon a time there was a small engine that could sleep, and"};

TEST(SleepTest, WhatComesMeanwhileIsAnsweredAfterwards) {
  for (const char* population : {"lazy", "eager"}) {
    EngineConfig config = small_chat();
    config.kv_cache_population = population;
    AsyncEngine engine(config);
    const auto awake = read_to_end(*engine.add_request("a", kPrompt, greedy(20)));
    ASSERT_TRUE(engine.sleep());
    EXPECT_TRUE(engine.is_sleeping());
    EXPECT_TRUE(engine.is_paused());
    EXPECT_THAT(engine.metrics_text(), HasSubstr("sleep_state=\"weights_offloaded\"} 1\n"));
    const auto stream = engine.add_request("b", kPrompt, greedy(20));
    EXPECT_FALSE(stream->try_next());
    engine.wake_up();
    EXPECT_FALSE(engine.is_sleeping());
    EXPECT_EQ(read_to_end(*stream), awake);
    EXPECT_THAT(engine.metrics_text(), HasSubstr("sleep_state=\"awake\"} 1\n"));
  }
}

TEST(SleepTest, KeptRequestsGoOnWithTheSameTokens) {
  for (const bool async_scheduling : {false, true}) {
    EngineConfig config = small_chat();
    config.async_scheduling = async_scheduling;
    AsyncEngine engine(config);
    const auto expected = read_to_end(*engine.add_request("a", kPrompt, greedy(400)));
    const auto stream = engine.add_request("b", kPrompt, greedy(400));
    std::vector<int32_t> ids = stream->next()->outputs.at(0).token_ids;
    ASSERT_TRUE(engine.sleep(1, PauseMode::kKeep));
    ASSERT_EQ(engine.stats().num_unfinished_reqs, 1) << "it ended before the engine slept";
    EXPECT_EQ(engine.stats().kv_cache_usage, 0.0) << "nothing is held while it sleeps";
    engine.wake_up();
    const auto rest = read_to_end(*stream);
    ids.insert(ids.end(), rest.begin(), rest.end());
    EXPECT_EQ(ids, expected);
  }
}

TEST(SleepTest, LevelZeroOnlyPausesAndOthersAreRefused) {
  AsyncEngine engine(small_chat());
  ASSERT_TRUE(engine.sleep(0));
  EXPECT_TRUE(engine.is_paused());
  EXPECT_FALSE(engine.is_sleeping());
  engine.wake_up();
  EXPECT_FALSE(engine.is_paused());
  EXPECT_THROW((void)engine.sleep(2), InvalidArgument);
}

}  // namespace
}  // namespace quire
