// A steady decode step takes no memory from the heap or the kernel: 64 requests with a model, 1,024
// without one, block boundaries crossed.

#include <gtest/gtest.h>

#include "bench/single_thread_engine.h"
#include "config/resolve.h"
#include "engine/engine_core.h"
#include "engine/make_scheduler.h"
#include "support/allocation_counter.h"
#include "support/test_paths.h"

namespace quire {
namespace {

constexpr int kNumRequests = 64;
constexpr int kWarmUpSteps = 20;
constexpr int kCountedSteps = 200;

EngineCore make_core() {
  const auto dir = test::bundled_models_dir() / "small-chat";
  EngineConfig wish;
  wish.max_num_seqs = kNumRequests;
  wish.max_model_len = 512;
  const ResolvedConfig config =
      resolve(wish, load_model_config(dir), query_device_info(), UsageContext::kLlm, false);
  auto worker = std::make_unique<Worker>(WorkerConfig{
      .num_threads = config.num_threads,
      .dtype = config.dtype,
      .max_model_len = config.scheduler.max_model_len,
      .max_num_seqs = config.scheduler.max_num_seqs,
      .max_num_batched_tokens = config.scheduler.max_num_batched_tokens,
  });
  worker->load_model(config.model, WeightSource::open_safetensors(dir));
  const KVCacheConfig cache = size_kv_cache(config, worker->kv_cache_specs(), 0);
  worker->initialize_kv_cache(cache);
  return EngineCore(
      make_scheduler(config, cache),
      std::make_unique<UniprocExecutor>(std::move(worker)),
      cache.num_blocks
  );
}

std::unique_ptr<Request> make_request(int i, double temperature) {
  auto request = std::make_unique<Request>();
  request->id = static_cast<RequestId>(i) + 1;
  request->num_prompt_tokens = 5 + i % 16;  // so that boundaries are crossed in different steps
  for (int t = 0; t < request->num_prompt_tokens; ++t) {
    request->token_ids.push_back(100 + (31 * i + t) % 1000);
  }
  request->sampling_params.temperature = temperature;
  request->sampling_params.ignore_eos = true;
  request->sampling_params.max_tokens = 400;
  return request;
}

// Allocations of kCountedSteps decode steps in which every request gets a token.
int64_t count_allocations(double temperature) {
  EngineCore core = make_core();
  for (int i = 0; i < kNumRequests; ++i) {
    core.add_request(make_request(i, temperature));
  }
  EngineCoreOutputs outputs;
  for (int step = 0; step < kWarmUpSteps; ++step) {
    outputs.clear();
    core.step(outputs);
  }
  const double usage_before = core.stats().kv_cache_usage;
  const int64_t before = test::num_allocations();
  size_t num_tokens = 0;
  for (int step = 0; step < kCountedSteps; ++step) {
    outputs.clear();
    core.step(outputs);
    num_tokens += outputs.token_ids.size();
  }
  const int64_t after = test::num_allocations();
  EXPECT_EQ(num_tokens, static_cast<size_t>(kNumRequests) * kCountedSteps);
  EXPECT_GT(core.stats().kv_cache_usage, usage_before) << "no block boundary was crossed";
  return after - before;
}

// The same without a model, and with the outputs processed down to their text.
int64_t count_null_engine_allocations(int num_requests) {
  EngineConfig config;
  config.model = (test::bundled_models_dir() / "small-chat").string();
  config.load_format = "null";
  config.max_model_len = 512;
  config.max_num_seqs = num_requests;
  config.use_tqdm_on_load = false;
  bench::SingleThreadEngine engine(config);
  SamplingParams params;
  params.output_kind = RequestOutputKind::kFinalOnly;
  params.max_tokens = 400;
  for (int i = 0; i < num_requests; ++i)
    engine.add_request(std::vector<int32_t>(5 + i % 16, 100 + i), params);
  while (engine.num_new_tokens() < num_requests)
    (void)engine.step();
  for (int step = 0; step < kWarmUpSteps; ++step)
    (void)engine.step();
  const double usage_before = engine.core().stats().kv_cache_usage;
  const int64_t before = test::num_allocations();
  for (int step = 0; step < kCountedSteps; ++step) {
    (void)engine.step();
    EXPECT_EQ(engine.num_new_tokens(), num_requests);
  }
  const int64_t after = test::num_allocations();
  EXPECT_GT(engine.core().stats().kv_cache_usage, usage_before) << "no block boundary was crossed";
  return after - before;
}

TEST(SteadyStepTest, TheCounterSeesAllocations) {
  const int64_t before = test::num_allocations();
  auto* volatile number = new int(1);
  const int64_t after = test::num_allocations();
  delete number;
  EXPECT_GE(after - before, 1);
}

TEST(SteadyStepTest, GreedyDecodingAllocatesNothing) {
  EXPECT_EQ(count_allocations(0.0), 0);
}

TEST(SteadyStepTest, SamplingAllocatesNothing) {
  EXPECT_EQ(count_allocations(0.8), 0);
}

TEST(SteadyStepTest, ANullEngineWith1024RequestsAllocatesNothing) {
  EXPECT_EQ(count_null_engine_allocations(1024), 0);
}

}  // namespace
}  // namespace quire
