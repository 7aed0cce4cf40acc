#include "engine/engine_metrics.h"

#include <mutex>

#include <prometheus/text_serializer.h>

#include "engine/metric_families.h"
#include "engine/scheduler_metrics.h"

namespace quire {
namespace {

// vLLM's; of seconds, but for the first.
const Buckets kIterationTokens = {
    1,
    8,
    16,
    32,
    64,
    128,
    256,
    512,
    1024,
    2048,
    4096,
    8192,
    16384,
};
const Buckets kCompletions = {1, 2, 5, 10, 20};
const Buckets kTimeToFirstToken = {
    .001, .005, .01, .02, .04, .06, .08, .1, .25, .5,  .75,
    1,    2.5,  5,   7.5, 10,  20,  40,  80, 160, 640, 2560,
};
const Buckets kTokenLatency = {
    .01, .025, .05, .075, .1, .15, .2, .3, .4, .5, .75, 1, 2.5, 5, 7.5, 10, 20, 40, 80,
};
const Buckets kRequestLatency = {
    .3, .5, .8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680,
};
const Buckets kBlockLife = {
    .001, .002, .005, .01, .02, .05, .1,  .2,  .5,  1,    2,    5,
    10,   20,   30,   60,  120, 180, 300, 600, 900, 1800, 3600, 7200,
};

void observe(prometheus::Histogram& histogram, const std::optional<double>& seconds) {
  if (seconds) histogram.Observe(*seconds);
}

// Tokens of each step, and who got them how soon.
struct StepMetrics {
  explicit StepMetrics(MetricFamilies& families);
  void record(const IterationStats& stats);

  prometheus::Counter& prompt_tokens;
  prometheus::Counter& generation_tokens;
  prometheus::Counter& prompt_tokens_cached;
  prometheus::Counter& prompt_tokens_computed;
  prometheus::Counter& prompt_tokens_hit;
  prometheus::Histogram& iteration_tokens;
  prometheus::Histogram& time_to_first_token;
  prometheus::Histogram& inter_token_latency;
  std::vector<double> increments;
};

constexpr const char* kBySource = "vllm:prompt_tokens_by_source_total";
constexpr const char* kBySourceHelp = "Prompt tokens by where their KV came from.";

StepMetrics::StepMetrics(MetricFamilies& families)
    : prompt_tokens(families.counter(
          "vllm:prompt_tokens_total", "Prompt tokens of requests that got their first token."
      )),
      generation_tokens(families.counter("vllm:generation_tokens_total", "Tokens generated.")),
      prompt_tokens_cached(families.counter(
          "vllm:prompt_tokens_cached_total", "Of the prompt tokens, those found in the cache."
      )),
      prompt_tokens_computed(
          families.counter(kBySource, kBySourceHelp, {{"source", "local_compute"}})
      ),
      prompt_tokens_hit(families.counter(kBySource, kBySourceHelp, {{"source", "local_cache_hit"}})
      ),
      iteration_tokens(families.histogram(
          "vllm:iteration_tokens_total",
          "Tokens of a step: generated, and of the prompts that it finished.",
          kIterationTokens
      )),
      time_to_first_token(families.histogram(
          "vllm:time_to_first_token_seconds",
          "From the arrival to the first token.",
          kTimeToFirstToken
      )),
      inter_token_latency(families.histogram(
          "vllm:inter_token_latency_seconds", "From one token to the next.", kTokenLatency
      )) {}

void StepMetrics::record(const IterationStats& stats) {
  const int64_t num_tokens = stats.num_prompt_tokens + stats.num_generation_tokens;
  if (num_tokens == 0) return;
  prompt_tokens.Increment(static_cast<double>(stats.num_prompt_tokens));
  generation_tokens.Increment(static_cast<double>(stats.num_generation_tokens));
  prompt_tokens_cached.Increment(static_cast<double>(stats.num_cached_tokens));
  prompt_tokens_hit.Increment(static_cast<double>(stats.num_cached_tokens));
  prompt_tokens_computed.Increment(
      static_cast<double>(stats.num_prompt_tokens - stats.num_cached_tokens)
  );
  iteration_tokens.Observe(static_cast<double>(num_tokens));
  for (const double seconds : stats.times_to_first_token)
    time_to_first_token.Observe(seconds);
  for (const auto& [seconds, num_completions] : stats.inter_token_latencies)
    observe_many(inter_token_latency, kTokenLatency, seconds, num_completions, increments);
}

// The lengths of what ended.
struct LengthMetrics {
  LengthMetrics(MetricFamilies& families, const Buckets& buckets);
  void record(const FinishedCompletionStats& completion);
  void record(const FinishedRequestStats& request);

  prometheus::Histogram& request_prompt_tokens;
  prometheus::Histogram& request_generation_tokens;
  prometheus::Histogram& request_max_num_generation_tokens;
  prometheus::Histogram& request_params_max_tokens;
  prometheus::Histogram& request_prefill_kv_computed_tokens;
  prometheus::Histogram& request_params_n;
};

LengthMetrics::LengthMetrics(MetricFamilies& families, const Buckets& buckets)
    : request_prompt_tokens(
          families.histogram("vllm:request_prompt_tokens", "Tokens of a prompt.", buckets)
      ),
      request_generation_tokens(families.histogram(
          "vllm:request_generation_tokens", "Tokens generated for a completion.", buckets
      )),
      request_max_num_generation_tokens(families.histogram(
          "vllm:request_max_num_generation_tokens",
          "Tokens of the longest completion of a request.",
          buckets
      )),
      request_params_max_tokens(families.histogram(
          "vllm:request_params_max_tokens", "max_tokens, as asked for or by default.", buckets
      )),
      request_prefill_kv_computed_tokens(families.histogram(
          "vllm:request_prefill_kv_computed_tokens",
          "Tokens of a prompt that were not found in the cache.",
          buckets
      )),
      request_params_n(
          families.histogram("vllm:request_params_n", "n, the completions asked for.", kCompletions)
      ) {}

void LengthMetrics::record(const FinishedCompletionStats& completion) {
  request_prompt_tokens.Observe(completion.num_prompt_tokens);
  request_generation_tokens.Observe(completion.num_generation_tokens);
  request_prefill_kv_computed_tokens.Observe(
      completion.num_prompt_tokens - completion.num_cached_tokens
  );
  if (completion.max_tokens) request_params_max_tokens.Observe(*completion.max_tokens);
}

void LengthMetrics::record(const FinishedRequestStats& request) {
  request_max_num_generation_tokens.Observe(request.max_num_generation_tokens);
  request_params_n.Observe(request.n);
}

// The times of what ended.
struct LatencyMetrics {
  explicit LatencyMetrics(MetricFamilies& families);
  void record(const FinishedCompletionStats& completion);

  prometheus::Histogram& e2e;
  prometheus::Histogram& queue;
  prometheus::Histogram& inference;
  prometheus::Histogram& prefill;
  prometheus::Histogram& decode;
  prometheus::Histogram& time_per_output_token;
};

LatencyMetrics::LatencyMetrics(MetricFamilies& families)
    : e2e(families.histogram(
          "vllm:e2e_request_latency_seconds", "From the arrival to the end.", kRequestLatency
      )),
      queue(families.histogram(
          "vllm:request_queue_time_seconds",
          "From the queue to the first step that schedules it.",
          kRequestLatency
      )),
      inference(families.histogram(
          "vllm:request_inference_time_seconds",
          "From the first step that schedules it to the last token.",
          kRequestLatency
      )),
      prefill(families.histogram(
          "vllm:request_prefill_time_seconds",
          "From the first step that schedules it to the first token.",
          kRequestLatency
      )),
      decode(families.histogram(
          "vllm:request_decode_time_seconds", "From the first token to the last.", kRequestLatency
      )),
      time_per_output_token(families.histogram(
          "vllm:request_time_per_output_token_seconds",
          "Mean time between two tokens of a completion.",
          kTokenLatency
      )) {}

void LatencyMetrics::record(const FinishedCompletionStats& completion) {
  e2e.Observe(completion.e2e_latency);
  observe(queue, completion.queued_time);
  observe(inference, completion.inference_time);
  observe(prefill, completion.prefill_time);
  observe(decode, completion.decode_time);
  if (!completion.decode_time) return;
  const int num_gaps = completion.num_generation_tokens - 1;
  time_per_output_token.Observe(num_gaps > 0 ? *completion.decode_time / num_gaps : 0.0);
}

// What V0 called by other names, and what only it had.
struct V0Metrics {
  explicit V0Metrics(MetricFamilies& families)
      : tokens(families.counter("vllm:tokens_total", "Tokens of prompts and generated.")),
        time_per_output_token(families.histogram(
            "vllm:time_per_output_token_seconds", "From one token to the next.", kTokenLatency
        )),
        time_in_queue(families.histogram(
            "vllm:time_in_queue_requests",
            "From the queue to the first step that schedules it, in seconds.",
            kRequestLatency
        )) {}

  void record(const IterationStats& stats) {
    tokens.Increment(static_cast<double>(stats.num_prompt_tokens + stats.num_generation_tokens));
    for (const auto& [seconds, num_completions] : stats.inter_token_latencies)
      observe_many(time_per_output_token, kTokenLatency, seconds, num_completions, increments);
    for (const FinishedCompletionStats& completion : stats.finished_completions)
      observe(time_in_queue, completion.queued_time);
  }

  prometheus::Counter& tokens;
  prometheus::Histogram& time_per_output_token;
  prometheus::Histogram& time_in_queue;
  std::vector<double> increments;
};

// --kv-cache-metrics.
struct BlockLifeMetrics {
  explicit BlockLifeMetrics(MetricFamilies& families)
      : lifetime(families.histogram(
            "vllm:kv_block_lifetime_seconds",
            "From a block's allocation to the next of the same memory.",
            kBlockLife
        )),
        idle(families.histogram(
            "vllm:kv_block_idle_before_evict_seconds",
            "From a block's last use to the next allocation of its memory.",
            kBlockLife
        )),
        reuse_gap(families.histogram(
            "vllm:kv_block_reuse_gap_seconds", "Between two hits of a block.", kBlockLife
        )) {}

  void record(const KVCacheEviction& eviction) {
    lifetime.Observe(eviction.lifetime_seconds);
    idle.Observe(eviction.idle_seconds);
    for (const double gap : eviction.reuse_gaps_seconds)
      reuse_gap.Observe(gap);
  }

  prometheus::Histogram& lifetime;
  prometheus::Histogram& idle;
  prometheus::Histogram& reuse_gap;
};

constexpr FinishReason kFinishReasons[kNumFinishReasons] = {
    FinishReason::kStop,
    FinishReason::kLength,
    FinishReason::kAbort,
    FinishReason::kError,
    FinishReason::kRepetition,
};

}  // namespace

struct EngineMetrics::Impl {
  explicit Impl(const EngineMetricsConfig& config)
      : families(registry, {{"model_name", config.model_name}, {"engine", "0"}}),
        scheduler(families, config.uses_v0),
        steps(families),
        lengths(families, buckets_1_2_5(config.max_model_len)),
        latencies(families) {
    for (const FinishReason reason : kFinishReasons) {
      request_success.push_back(&families.counter(
          "vllm:request_success_total",
          "Completions that ended, by the reason.",
          {{"finished_reason", finish_reason_name(reason)}}
      ));
    }
    if (config.uses_v0) v0.emplace(families);
    if (config.has_kv_block_lives) block_lives.emplace(families);
    families.gauge("vllm:cache_config_info", "The KV cache's configuration.", config.cache_config)
        .Set(1.0);
  }

  void record(const IterationStats& stats) {
    steps.record(stats);
    if (v0) v0->record(stats);
    for (size_t reason = 0; reason < kNumFinishReasons; ++reason) {
      if (stats.num_finished[reason] > 0)
        request_success[reason]->Increment(static_cast<double>(stats.num_finished[reason]));
    }
    for (const FinishedCompletionStats& completion : stats.finished_completions) {
      lengths.record(completion);
      latencies.record(completion);
    }
    for (const FinishedRequestStats& request : stats.finished_requests)
      lengths.record(request);
    for (const KVCacheEviction& eviction : stats.kv_cache_evictions) {
      if (block_lives) block_lives->record(eviction);
    }
  }

  std::vector<prometheus::MetricFamily> collect(const EngineStats& stats) {
    std::lock_guard lock(collect_mutex);
    scheduler.update(stats);
    return registry.Collect();
  }

  prometheus::Registry registry;
  MetricFamilies families;
  SchedulerMetrics scheduler;
  StepMetrics steps;
  LengthMetrics lengths;
  LatencyMetrics latencies;
  std::vector<prometheus::Counter*> request_success;  // [kNumFinishReasons]
  std::optional<V0Metrics> v0;
  std::optional<BlockLifeMetrics> block_lives;
  std::mutex collect_mutex;
};

EngineMetrics::EngineMetrics(const EngineMetricsConfig& config)
    : impl_(std::make_unique<Impl>(config)) {}
EngineMetrics::~EngineMetrics() = default;

void EngineMetrics::record(const IterationStats& stats) {
  impl_->record(stats);
}

void EngineMetrics::record_ends(FinishReason reason, int64_t num_completions) {
  impl_->request_success[static_cast<size_t>(reason)]->Increment(static_cast<double>(num_completions
  ));
}

EngineMetrics::TokenCounts EngineMetrics::token_counts() const {
  return {
      .num_prompt_tokens = static_cast<int64_t>(impl_->steps.prompt_tokens.Value()),
      .num_generation_tokens = static_cast<int64_t>(impl_->steps.generation_tokens.Value()),
  };
}

std::vector<Metric> EngineMetrics::collect(const EngineStats& stats) {
  return to_metrics(impl_->collect(stats));
}

std::string EngineMetrics::text(const EngineStats& stats) {
  return prometheus::TextSerializer().Serialize(impl_->collect(stats));
}

}  // namespace quire
