#include "bench/comparison.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <numeric>

#include "base/check.h"
#include "bench/percentile.h"

namespace quire::bench {
namespace {

constexpr double kMilliseconds = 1e3;
constexpr double kMicroseconds = 1e6;
constexpr double kPercent = 100.0;
constexpr double kMaxPasses = 1000;

// A pass with what several metrics need of it.
struct MeasuredPass {
  const PassResult& pass;
  int64_t kv_bytes_per_token = 0;
  std::vector<double> ttfts;
  std::vector<double> itls;

  MeasuredPass(const PassResult& result, int64_t bytes)
      : pass(result),
        kv_bytes_per_token(bytes),
        ttfts(times_to_first_token(result)),
        itls(inter_token_latencies(result)) {}

  double num_output_tokens() const {
    double number = 0.0;
    for (const RequestRecord& request : pass.requests)
      number += static_cast<double>(request.output_token_ids.size());
    return number;
  }
  double num_prompt_tokens() const {
    return std::accumulate(pass.num_prompt_tokens.begin(), pass.num_prompt_tokens.end(), 0.0);
  }
  double sum_of(int64_t StepRecord::*number) const {
    double sum = 0.0;
    for (const StepRecord& step : pass.steps)
      sum += static_cast<double>(step.*number);
    return sum;
  }
  double share(int64_t StepRecord::*part, int64_t StepRecord::*whole) const {
    const double all = sum_of(whole);
    return all > 0.0 ? kPercent * sum_of(part) / all : 0.0;
  }
};

double percentile_or_zero(const std::vector<double>& values, double percentage) {
  return values.empty() ? 0.0 : percentile(values, percentage);
}

double cache_hit_rate(const MeasuredPass& m) {
  const auto queries = m.pass.after.prefix_cache_queries - m.pass.before.prefix_cache_queries;
  const auto hits = m.pass.after.prefix_cache_hits - m.pass.before.prefix_cache_hits;
  return queries > 0 ? kPercent * static_cast<double>(hits) / static_cast<double>(queries) : 0.0;
}

double peak_blocks(const MeasuredPass& m) {
  int peak = 0;
  for (const StepRecord& step : m.pass.steps)
    peak = std::max(peak, step.num_used_blocks);
  return peak;
}

double step_overhead(const MeasuredPass& m) {
  std::vector<double> overheads;
  for (const StepRecord& step : m.pass.steps) {
    if (step.overhead) overheads.push_back(kMicroseconds * *step.overhead);
  }
  return percentile_or_zero(overheads, 50);
}

double overhead_share(const MeasuredPass& m) {
  double sum = 0.0;
  for (const StepRecord& step : m.pass.steps)
    sum += step.overhead.value_or(0.0);
  return kPercent * sum / m.pass.elapsed;
}

double mean_batch(const MeasuredPass& m) {
  double sum = 0.0;
  for (const StepRecord& step : m.pass.steps)
    sum += step.num_reqs;
  return m.pass.steps.empty() ? 0.0 : sum / static_cast<double>(m.pass.steps.size());
}

double wasted_kib(const MeasuredPass& m) {
  if (m.pass.steps.empty()) return 0.0;
  const double slots =
      m.sum_of(&StepRecord::num_empty_slots) / static_cast<double>(m.pass.steps.size());
  return slots * static_cast<double>(m.kv_bytes_per_token) / 1024.0;
}

struct MetricDefinition {
  const char* name;
  const char* unit;
  Better better;
  double (*value)(const MeasuredPass&);
};

using M = MeasuredPass;
constexpr std::array kMetrics = {
    MetricDefinition{
        "requests/s",
        "1/s",
        Better::kHigher,
        [](const M& m) { return static_cast<double>(m.pass.requests.size()) / m.pass.elapsed; }},
    MetricDefinition{
        "output tokens/s",
        "1/s",
        Better::kHigher,
        [](const M& m) { return m.num_output_tokens() / m.pass.elapsed; }},
    MetricDefinition{
        "total tokens/s",
        "1/s",
        Better::kHigher,
        [](const M& m) {
          return (m.num_prompt_tokens() + m.num_output_tokens()) / m.pass.elapsed;
        }},
    MetricDefinition{"TTFT mean", "ms", Better::kLower, [](const M& m) { return mean(m.ttfts); }},
    MetricDefinition{
        "TTFT p50",
        "ms",
        Better::kLower,
        [](const M& m) { return percentile_or_zero(m.ttfts, 50); }},
    MetricDefinition{
        "TTFT p99",
        "ms",
        Better::kLower,
        [](const M& m) { return percentile_or_zero(m.ttfts, 99); }},
    MetricDefinition{"ITL mean", "ms", Better::kLower, [](const M& m) { return mean(m.itls); }},
    MetricDefinition{
        "ITL p50", "ms", Better::kLower, [](const M& m) { return percentile_or_zero(m.itls, 50); }},
    MetricDefinition{
        "ITL p99", "ms", Better::kLower, [](const M& m) { return percentile_or_zero(m.itls, 99); }},
    MetricDefinition{"prefix cache hit rate", "%", Better::kNeither, cache_hit_rate},
    MetricDefinition{"peak KV blocks", "", Better::kNeither, peak_blocks},
    MetricDefinition{
        "preemptions",
        "",
        Better::kNeither,
        [](const M& m) {
          return static_cast<double>(m.pass.after.num_preemptions - m.pass.before.num_preemptions);
        }},
    MetricDefinition{"KV bytes wasted, mean", "KiB", Better::kNeither, wasted_kib},
    MetricDefinition{
        "KV slots without a token",
        "%",
        Better::kNeither,
        [](const M& m) { return m.share(&StepRecord::num_empty_slots, &StepRecord::num_slots); }},
    MetricDefinition{
        "… if contiguous, lengths known",
        "%",
        Better::kNeither,
        [](const M& m) {
          return m.share(
              &StepRecord::num_known_length_empty_slots, &StepRecord::num_known_length_slots
          );
        }},
    MetricDefinition{
        "… if contiguous, whole context",
        "%",
        Better::kNeither,
        [](const M& m) {
          return m.share(
              &StepRecord::num_contiguous_empty_slots, &StepRecord::num_contiguous_slots
          );
        }},
    MetricDefinition{
        "steps",
        "",
        Better::kNeither,
        [](const M& m) { return static_cast<double>(m.pass.steps.size()); }},
    MetricDefinition{"requests per step", "", Better::kNeither, mean_batch},
    MetricDefinition{"step overhead p50", "µs", Better::kNeither, step_overhead},
    MetricDefinition{"time between steps, of the run", "%", Better::kNeither, overhead_share},
};

// The values of all passes, [kMetrics][num_passes].
class Side {
 public:
  Side() : values_(kMetrics.size()) {}
  void add(const PassResult& pass, int64_t kv_bytes_per_token) {
    const MeasuredPass measured(pass, kv_bytes_per_token);
    for (size_t i = 0; i < kMetrics.size(); ++i)
      values_[i].push_back(kMetrics[i].value(measured));
  }
  const std::vector<double>& values(size_t metric) const { return values_[metric]; }

 private:
  std::vector<std::vector<double>> values_;
};

std::vector<Metric> summarize_metrics(const Side& baseline, const Side& candidate) {
  std::vector<Metric> metrics;
  for (size_t i = 0; i < kMetrics.size(); ++i) {
    const std::vector<double>& base = baseline.values(i);
    const std::vector<double>& cand = candidate.values(i);
    Metric& metric = metrics.emplace_back();
    metric.name = kMetrics[i].name;
    metric.unit = kMetrics[i].unit;
    metric.better = kMetrics[i].better;
    metric.baseline = summarize(base);
    metric.candidate = summarize(cand);
    if (metric.better == Better::kHigher) metric.ratio = paired_ratio(cand, base);
    if (metric.better == Better::kLower) metric.ratio = paired_ratio(base, cand);
    if (metric.ratio && metric.ratio->num_pairs == 0) metric.ratio.reset();
  }
  return metrics;
}

// Marks the requests whose tokens are not those of the first pass.
class TokenCheck {
 public:
  void add(const PassResult& pass) {
    if (expected_.empty()) {
      for (const RequestRecord& request : pass.requests)
        expected_.push_back(request.output_token_ids);
      differs_.assign(expected_.size(), false);
      return;
    }
    QUIRE_CHECK(pass.requests.size() == expected_.size());
    for (size_t i = 0; i < expected_.size(); ++i) {
      if (pass.requests[i].output_token_ids != expected_[i]) differs_[i] = true;
    }
  }
  int num_different() const { return static_cast<int>(std::ranges::count(differs_, true)); }

 private:
  std::vector<std::vector<int32_t>> expected_;
  std::vector<bool> differs_;
};

}  // namespace

std::vector<double> times_to_first_token(const PassResult& pass) {
  std::vector<double> times;
  for (const RequestRecord& request : pass.requests) {
    times.push_back(kMilliseconds * (request.token_times.front() - request.arrival_time));
  }
  return times;
}

std::vector<double> inter_token_latencies(const PassResult& pass) {
  std::vector<double> times;
  for (const RequestRecord& request : pass.requests) {
    for (size_t i = 1; i < request.token_times.size(); ++i) {
      times.push_back(kMilliseconds * (request.token_times[i] - request.token_times[i - 1]));
    }
  }
  return times;
}

const Metric& Comparison::metric(const std::string& wanted) const {
  const auto found = std::ranges::find(metrics, wanted, &Metric::name);
  QUIRE_CHECK(found != metrics.end(), "no metric {}", wanted);
  return *found;
}

Comparison compare(
    const Workload& workload,
    const PassLimits& limits,
    const std::function<void(int done, int total)>& progress
) {
  MeasuredEngine baseline(workload.baseline);
  MeasuredEngine candidate(workload.candidate);
  Comparison result{
      .name = workload.name,
      .description = workload.description,
      .baseline_name = workload.baseline_name,
      .candidate_name = workload.candidate_name,
      .num_requests = static_cast<int>(workload.requests.size()),
  };
  Side baseline_side;
  Side candidate_side;
  TokenCheck tokens;
  const auto run = [&](MeasuredEngine& engine, Side* side, PassResult& last) {
    last = engine.run(workload);
    tokens.add(last);
    if (side) side->add(last, engine.kv_bytes_per_token());
  };
  // The first pass of each touches its memory and is not counted.
  const auto started = std::chrono::steady_clock::now();
  run(baseline, nullptr, result.baseline_pass);
  run(candidate, nullptr, result.candidate_pass);
  const std::chrono::duration<double> pair = std::chrono::steady_clock::now() - started;
  const double wanted = std::min(limits.min_seconds / pair.count(), kMaxPasses);
  result.num_passes = std::max(limits.num_passes, static_cast<int>(std::ceil(wanted)));
  for (int pass = 0; pass < result.num_passes; ++pass) {
    const bool baseline_first = pass % 2 == 0;
    if (baseline_first) run(baseline, &baseline_side, result.baseline_pass);
    run(candidate, &candidate_side, result.candidate_pass);
    if (!baseline_first) run(baseline, &baseline_side, result.baseline_pass);
    progress(pass + 1, result.num_passes);
  }
  result.metrics = summarize_metrics(baseline_side, candidate_side);
  result.num_different_requests = tokens.num_different();
  return result;
}

}  // namespace quire::bench
