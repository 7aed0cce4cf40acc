#include "bench/engine_overhead.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bench/single_thread_engine.h"
#include "quire/error.h"
#include "support/test_paths.h"

namespace quire::bench {
namespace {

using ::testing::HasSubstr;

EngineConfig null_config() {
  EngineConfig config;
  config.model = (test::bundled_models_dir() / "small-chat").string();
  config.load_format = "null";
  config.use_tqdm_on_load = false;
  config.disable_log_stats = true;
  return config;
}

// The error of a measurement of `num_requests`.
InvalidArgument error_of(const EngineConfig& config, const OverheadWorkload& workload) {
  try {
    (void)measure_engine_overhead(config, workload, 1);
  } catch (const InvalidArgument& error) {
    return error;
  }
  ADD_FAILURE() << "nothing was refused";
  return {"", ""};
}

TEST(EngineOverheadTest, MeasuresWindowsOfSteps) {
  const auto windows =
      measure_engine_overhead(null_config(), {.num_requests = 4, .num_steps = 32}, 2);
  EXPECT_EQ(windows.size(), 4u);
}

TEST(EngineOverheadTest, RefusesRequestsThatTheCacheDoesNotHoldTogether) {
  EngineConfig config = null_config();
  config.num_gpu_blocks_override = 130;
  const InvalidArgument error = error_of(config, {.num_requests = 64});
  EXPECT_EQ(error.field(), "num_gpu_blocks_override");
  EXPECT_THAT(error.what(), HasSubstr("--max-num-seqs"));
}

TEST(EngineOverheadTest, RefusesRequestsThatEndBeforeTheLastOneBegins) {
  EngineConfig config = null_config();
  config.max_num_seqs = 128;
  config.max_num_batched_tokens = 256;
  const InvalidArgument error =
      error_of(config, {.num_requests = 128, .num_prompt_tokens = 1950, .num_steps = 16});
  EXPECT_EQ(error.field(), "--input-len");
  EXPECT_THAT(error.what(), HasSubstr("128 requests with 1950 prompt tokens"));
}

TEST(EngineOverheadTest, RefusesMoreRequestsThanRunAtOnce) {
  EngineConfig config = null_config();
  config.max_model_len = 256;
  config.max_num_seqs = 8;
  EXPECT_EQ(error_of(config, {.num_requests = 16, .num_steps = 16}).field(), "--input-len");
}

TEST(EngineOverheadTest, RefusesStepsThatRunBesideEachOther) {
  EngineConfig config = null_config();
  config.async_scheduling = true;
  EXPECT_EQ(error_of(config, {}).field(), "async_scheduling");
}

TEST(SingleThreadEngineTest, ChecksRequestsAsTheEngineDoes) {
  SingleThreadEngine engine(null_config());
  SamplingParams params;
  params.logprobs = 1;
  try {
    engine.add_request({5, 6}, params);
    ADD_FAILURE() << "logprobs without logits";
  } catch (const InvalidArgument& error) {
    EXPECT_EQ(error.field(), "logprobs");
  }
}

}  // namespace
}  // namespace quire::bench
