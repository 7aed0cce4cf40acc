#include "engine/engine_metrics.h"

#include <chrono>
#include <condition_variable>
#include <functional>
#include <limits>
#include <mutex>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/load_engine.h"
#include "support/fake_engine_core_client.h"
#include "support/test_paths.h"

namespace quire {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

EngineConfig null_engine() {
  EngineConfig config;
  config.model = (test::bundled_models_dir() / "small-chat").string();
  config.served_model_name = "tiny";
  config.load_format = "null";
  config.max_model_len = 512;
  config.num_gpu_blocks_override = 64;
  config.use_tqdm_on_load = false;
  return config;
}

// The metric with that name and, if given, that label.
template <class Kind>
Kind find(const AsyncEngine& engine, const std::string& name, const MetricLabels& labels = {}) {
  for (const Metric& metric : engine.metrics()) {
    const auto* found = std::get_if<Kind>(&metric);
    if (!found || found->name != name) continue;
    const bool has_labels = std::ranges::all_of(labels, [&](const auto& label) {
      const auto own = found->labels.find(label.first);
      return own != found->labels.end() && own->second == label.second;
    });
    if (has_labels) return *found;
  }
  ADD_FAILURE() << "no metric " << name;
  return {};
}

int64_t counter(const AsyncEngine& engine, const std::string& name, const MetricLabels& l = {}) {
  return find<Counter>(engine, name, l).value;
}
double gauge(const AsyncEngine& engine, const std::string& name, const MetricLabels& l = {}) {
  return find<Gauge>(engine, name, l).value;
}

SamplingParams ten_tokens() {
  SamplingParams params;
  params.max_tokens = 10;
  params.ignore_eos = true;
  return params;
}

void read_to_end(RequestStream& stream) {
  while (stream.next()) {
  }
}

void wait_until(const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!condition()) {
    ASSERT_LT(std::chrono::steady_clock::now(), end);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

constexpr int kNumRequests = 10;
constexpr int kNumPromptTokens = 20;
constexpr int kNumTokens = 10;

TEST(EngineMetricsTest, TenRequestsOfTenTokensGiveExactCountsAndSums) {
  AsyncEngine engine(null_engine());
  for (int i = 0; i < kNumRequests; ++i) {
    const Prompt prompt{.token_ids = std::vector<int32_t>(kNumPromptTokens, 100 + i)};
    read_to_end(*engine.add_request(std::to_string(i), prompt, ten_tokens()));
  }
  const auto expect_histogram = [&](const std::string& name, int64_t count) {
    const Histogram histogram = find<Histogram>(engine, "vllm:" + name);
    EXPECT_EQ(histogram.count, count) << name;
    EXPECT_EQ(histogram.labels, (MetricLabels{{"model_name", "tiny"}, {"engine", "0"}}));
    EXPECT_EQ(histogram.buckets.back().first, "+Inf");
    EXPECT_EQ(histogram.buckets.back().second, count);
    return histogram.sum;
  };
  for (const char* name :
       {"time_to_first_token_seconds",
        "e2e_request_latency_seconds",
        "request_queue_time_seconds",
        "request_inference_time_seconds",
        "request_prefill_time_seconds",
        "request_decode_time_seconds",
        "request_time_per_output_token_seconds"}) {
    EXPECT_GE(expect_histogram(name, kNumRequests), 0.0) << name;
  }
  expect_histogram("inter_token_latency_seconds", kNumRequests * (kNumTokens - 1));
  EXPECT_EQ(expect_histogram("request_prompt_tokens", 10), kNumRequests * kNumPromptTokens);
  EXPECT_EQ(expect_histogram("request_generation_tokens", 10), kNumRequests * kNumTokens);
  EXPECT_EQ(expect_histogram("request_params_max_tokens", 10), kNumRequests * kNumTokens);
  EXPECT_EQ(expect_histogram("request_max_num_generation_tokens", 10), kNumRequests * kNumTokens);
  EXPECT_EQ(
      expect_histogram("request_prefill_kv_computed_tokens", 10), kNumRequests * kNumPromptTokens
  );
  EXPECT_EQ(expect_histogram("request_params_n", 10), kNumRequests);
  EXPECT_EQ(
      expect_histogram("iteration_tokens_total", kNumRequests * kNumTokens),
      kNumRequests * (kNumPromptTokens + kNumTokens)
  );
  EXPECT_EQ(counter(engine, "vllm:prompt_tokens"), kNumRequests * kNumPromptTokens);
  EXPECT_EQ(counter(engine, "vllm:generation_tokens"), kNumRequests * kNumTokens);
  EXPECT_EQ(counter(engine, "vllm:request_success", {{"finished_reason", "length"}}), 10);
  EXPECT_EQ(counter(engine, "vllm:request_success", {{"finished_reason", "stop"}}), 0);
  EXPECT_EQ(gauge(engine, "vllm:engine_sleep_state", {{"sleep_state", "awake"}}), 1.0);
}

TEST(EngineMetricsTest, CachedPromptTokensAreCountedApart) {
  AsyncEngine engine(null_engine());
  const Prompt prompt{.token_ids = std::vector<int32_t>(40, 7)};
  read_to_end(*engine.add_request("a", prompt, ten_tokens()));
  read_to_end(*engine.add_request("b", prompt, ten_tokens()));
  EXPECT_EQ(counter(engine, "vllm:prompt_tokens"), 80);
  EXPECT_EQ(counter(engine, "vllm:prompt_tokens_cached"), 32) << "two whole blocks";
  const std::string by_source = "vllm:prompt_tokens_by_source";
  EXPECT_EQ(counter(engine, by_source, {{"source", "local_compute"}}), 48);
  EXPECT_EQ(counter(engine, by_source, {{"source", "local_cache_hit"}}), 32);
  EXPECT_EQ(counter(engine, "vllm:prefix_cache_hits"), 32);
  EXPECT_EQ(find<Histogram>(engine, "vllm:request_prefill_kv_computed_tokens").sum, 48);
}

TEST(EngineMetricsTest, EveryCompletionCountsAndTheRequestOnce) {
  AsyncEngine engine(null_engine());
  SamplingParams params = ten_tokens();
  params.n = 3;
  read_to_end(*engine.add_request("a", {.token_ids = {5, 6}}, params));
  EXPECT_EQ(counter(engine, "vllm:generation_tokens"), 30);
  EXPECT_EQ(counter(engine, "vllm:request_success", {{"finished_reason", "length"}}), 3);
  const Histogram n = find<Histogram>(engine, "vllm:request_params_n");
  EXPECT_EQ(n.count, 1);
  EXPECT_EQ(n.sum, 3);
  EXPECT_EQ(find<Histogram>(engine, "vllm:request_max_num_generation_tokens").sum, 10);
}

// Lets so many steps pass, and those after them only when it is opened.
class Gate {
 public:
  explicit Gate(int num_steps) : num_steps_(num_steps) {}
  void pass() {
    std::unique_lock lock(mutex_);
    opened_.wait(lock, [&] { return num_steps_ > 0; });
    --num_steps_;
  }
  void open() {
    {
      std::lock_guard lock(mutex_);
      num_steps_ = std::numeric_limits<int>::max();
    }
    opened_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable opened_;
  int num_steps_;
};

class GatedExecutor final : public Executor {
 public:
  GatedExecutor(std::unique_ptr<Executor> inner, Gate& gate)
      : inner_(std::move(inner)), gate_(gate) {}
  void execute_model(const SchedulerOutput& output) override {
    gate_.pass();
    inner_->execute_model(output);
  }
  ModelRunnerOutput& sample_tokens() override { return inner_->sample_tokens(); }

 private:
  std::unique_ptr<Executor> inner_;
  Gate& gate_;
};

TEST(EngineMetricsTest, ARequestThatIsAbortedInItsLastStepIsCountedOnce) {
  AsyncEngine engine(null_engine());
  ASSERT_TRUE(engine.pause_generation(PauseMode::kKeep, false));
  SamplingParams params = ten_tokens();
  params.output_kind = RequestOutputKind::kFinalOnly;
  // Both end in one step; whoever hears of its end first aborts the other.
  std::vector<std::shared_ptr<RequestStream>> streams;
  for (const char* other : {"1", "0"}) {
    AddRequestOptions options;
    options.on_output = [&engine, other] { engine.abort(other); };
    streams.push_back(
        engine.add_request(std::to_string(streams.size()), {.token_ids = {5, 6}}, params, options)
    );
  }
  wait_until([&] { return gauge(engine, "vllm:num_requests_waiting") == 2.0; });
  engine.resume_generation();
  for (const auto& stream : streams)
    read_to_end(*stream);
  const auto ended = [&](const char* reason) {
    return counter(engine, "vllm:request_success", {{"finished_reason", reason}});
  };
  wait_until([&] { return ended("length") + ended("abort") >= 2; });
  EXPECT_EQ(ended("length"), 1);
  EXPECT_EQ(ended("abort"), 1);
}

TEST(EngineMetricsTest, AnAbortIsCountedAndResetsTheGauges) {
  Gate gate(2);
  EngineHooks hooks;
  hooks.wrap_executor = [&](std::unique_ptr<Executor> executor) {
    return std::make_unique<GatedExecutor>(std::move(executor), gate);
  };
  AsyncEngine engine(load_engine(null_engine(), UsageContext::kLlm, hooks));
  SamplingParams params;
  params.max_tokens = 400;
  params.ignore_eos = true;
  ASSERT_TRUE(engine.pause_generation(PauseMode::kKeep, false));
  std::vector<std::shared_ptr<RequestStream>> streams;
  for (int i = 0; i < 3; ++i)
    streams.push_back(engine.add_request(std::to_string(i), {.token_ids = {5, 6}}, params));
  wait_until([&] { return gauge(engine, "vllm:num_requests_waiting") == 3.0; });
  EXPECT_EQ(gauge(engine, "vllm:num_requests_waiting_by_reason", {{"reason", "capacity"}}), 3.0);
  engine.resume_generation();
  wait_until([&] { return gauge(engine, "vllm:num_requests_running") == 3.0; });
  EXPECT_EQ(gauge(engine, "vllm:num_requests_waiting"), 0.0);
  EXPECT_GT(gauge(engine, "vllm:kv_cache_usage_perc"), 0.0);
  EXPECT_EQ(engine.stats().num_unfinished_reqs, 3);
  engine.abort("0");
  streams.clear();
  gate.open();
  wait_until([&] { return gauge(engine, "vllm:num_requests_running") == 0.0; });
  EXPECT_EQ(gauge(engine, "vllm:num_requests_waiting"), 0.0);
  EXPECT_EQ(gauge(engine, "vllm:kv_cache_usage_perc"), 0.0);
  EXPECT_EQ(counter(engine, "vllm:request_success", {{"finished_reason", "abort"}}), 3);
  EXPECT_EQ(find<Histogram>(engine, "vllm:e2e_request_latency_seconds").count, 0);
}

TEST(EngineMetricsTest, ADeadEnginesRequestsCountAsErrors) {
  auto core = std::make_unique<test::FakeEngineCoreClient>();
  test::FakeEngineCoreClient& steps = *core;
  AsyncEngine engine(test::load_with_fake_core(std::move(core)));
  const auto stream = engine.add_request("a", {.token_ids = {5, 6}}, {});
  steps.die("the device is gone");
  read_to_end(*stream);
  wait_until([&] {
    return counter(engine, "vllm:request_success", {{"finished_reason", "error"}}) == 1;
  });
}

TEST(EngineMetricsTest, V0HasItsOwnNames) {
  EngineConfig config = null_engine();
  config.scheduler = "v0";
  config.swap_space = 0.001;
  AsyncEngine engine(config);
  read_to_end(*engine.add_request("a", {.token_ids = {5, 6}}, ten_tokens()));
  EXPECT_EQ(gauge(engine, "vllm:num_requests_swapped"), 0.0);
  EXPECT_EQ(gauge(engine, "vllm:gpu_cache_usage_perc"), 0.0);
  EXPECT_EQ(gauge(engine, "vllm:cpu_cache_usage_perc"), 0.0);
  EXPECT_EQ(counter(engine, "vllm:tokens"), 12);
  EXPECT_EQ(find<Histogram>(engine, "vllm:time_per_output_token_seconds").count, 9);
  EXPECT_EQ(find<Histogram>(engine, "vllm:time_in_queue_requests").count, 1);
  EXPECT_THAT(AsyncEngine(null_engine()).metrics_text(), Not(HasSubstr("swapped")));
}

TEST(EngineMetricsTest, BlockLivesAreMeasuredWhenAskedFor) {
  EngineConfig config = null_engine();
  config.num_gpu_blocks_override = 8;
  config.max_model_len = 64;
  config.kv_cache_metrics = true;
  config.kv_cache_metrics_sample = 1.0;
  AsyncEngine engine(config);
  for (int i = 0; i < 6; ++i) {
    const Prompt prompt{.token_ids = std::vector<int32_t>(40, 100 + i)};
    read_to_end(*engine.add_request(std::to_string(i), prompt, ten_tokens()));
  }
  EXPECT_GT(find<Histogram>(engine, "vllm:kv_block_lifetime_seconds").count, 0);
  EXPECT_GT(find<Histogram>(engine, "vllm:kv_block_idle_before_evict_seconds").count, 0);
  EXPECT_THAT(engine.metrics_text(), HasSubstr("vllm:kv_block_reuse_gap_seconds_count"));
  EXPECT_THAT(AsyncEngine(null_engine()).metrics_text(), Not(HasSubstr("kv_block")));
}

TEST(EngineMetricsTest, TheTextIsPrometheus) {
  AsyncEngine engine(null_engine());
  read_to_end(*engine.add_request("a", {.token_ids = {5, 6}}, ten_tokens()));
  const std::string text = engine.metrics_text();
  EXPECT_THAT(text, HasSubstr("# TYPE vllm:generation_tokens_total counter\n"));
  EXPECT_THAT(
      text, HasSubstr("vllm:generation_tokens_total{engine=\"0\",model_name=\"tiny\"} 10\n")
  );
  EXPECT_THAT(
      text,
      HasSubstr("vllm:request_prompt_tokens_bucket{engine=\"0\",model_name=\"tiny\","
                "le=\"2\"} 1\n")
  );
  EXPECT_THAT(text, HasSubstr("num_gpu_blocks=\"64\""));
}

TEST(EngineMetricsTest, AcceptedDraftTokensAreAVectorByTheirPlace) {
  EngineMetrics metrics({.model_name = "m", .max_model_len = 100});
  EngineStats stats;
  stats.num_drafts = 4;
  stats.num_draft_tokens = 8;
  stats.num_accepted_tokens = 5;
  stats.num_accepted_tokens_per_pos = {4, 1};
  (void)metrics.collect({});
  std::vector<int64_t> values;
  for (const Metric& metric : metrics.collect(stats)) {
    const auto* vector = std::get_if<Vector>(&metric);
    if (!vector) continue;
    EXPECT_EQ(vector->name, "vllm:spec_decode_num_accepted_tokens_per_pos");
    EXPECT_EQ(vector->labels, (MetricLabels{{"model_name", "m"}, {"engine", "0"}}));
    values = vector->values;
  }
  EXPECT_THAT(values, ElementsAre(4, 1));
}

TEST(EngineMetricsTest, LengthBucketsGoUpToTheModelsLength) {
  EngineMetrics metrics({.model_name = "m", .max_model_len = 100});
  std::vector<std::string> bounds;
  for (const Metric& metric : metrics.collect({})) {
    const auto* histogram = std::get_if<Histogram>(&metric);
    if (!histogram || histogram->name != "vllm:request_prompt_tokens") continue;
    for (const auto& [bound, count] : histogram->buckets)
      bounds.push_back(bound);
  }
  EXPECT_THAT(bounds, ElementsAre("1", "2", "5", "10", "20", "50", "100", "+Inf"));
}

}  // namespace
}  // namespace quire
