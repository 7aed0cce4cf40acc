#include "bench/serve/serve_metrics.h"

#include <algorithm>
#include <cmath>

#include "bench/percentile.h"
#include "bench/statistics.h"

namespace quire::bench {
namespace {

// numpy's, which vLLM's numbers come from: of an empty list all is 0.
LatencySummary summarize_latencies(
    std::vector<double> seconds, const std::vector<double>& percentages
) {
  LatencySummary summary;
  summary.percentiles.assign(percentages.size(), 0.0);
  if (seconds.empty()) return summary;
  for (double& value : seconds)
    value *= 1e3;
  summary.mean = mean(seconds);
  double sum = 0.0;
  for (const double value : seconds)
    sum += (value - summary.mean) * (value - summary.mean);
  summary.std = std::sqrt(sum / static_cast<double>(seconds.size()));
  std::ranges::sort(seconds);
  summary.median = percentile(seconds, 50);
  for (size_t i = 0; i < percentages.size(); ++i)
    summary.percentiles[i] = percentile(seconds, percentages[i]);
  return summary;
}

// Of an answer with one token there is none.
double tpot_of(const CallRecord& record) {
  if (record.num_output_tokens <= 1) return 0.0;
  return (record.latency() - record.ttft()) / (record.num_output_tokens - 1);
}

bool is_good(const CallRecord& record, const std::vector<GoodputLimit>& limits) {
  return std::ranges::all_of(limits, [&](const GoodputLimit& limit) {
    const double seconds = limit.metric == "ttft"   ? record.ttft()
                           : limit.metric == "tpot" ? tpot_of(record)
                                                    : record.latency();
    return seconds * 1e3 <= limit.milliseconds;
  });
}

// Tokens and running requests of each whole second since the first request.
void find_peaks(const LoadResult& result, ServeMetrics& metrics) {
  double end = result.start;
  for (const CallRecord& record : result.records)
    if (record.is_ok) end = std::max(end, record.last_token);
  const size_t num_seconds = static_cast<size_t>(end - result.start) + 1;
  std::vector<double> tokens(num_seconds);
  std::vector<int> requests(num_seconds + 1);  // changes
  const auto second_of = [&](double time) {
    return std::min(static_cast<size_t>(std::max(0.0, time - result.start)), num_seconds - 1);
  };
  for (const CallRecord& record : result.records) {
    if (!record.is_ok) continue;
    double time = record.first_token;
    tokens[second_of(time)] += 1.0;
    for (const double gap : record.itls)
      tokens[second_of(time += gap)] += 1.0;
    ++requests[second_of(record.start)];
    --requests[second_of(record.last_token) + 1];
  }
  metrics.max_output_tokens_per_s = *std::ranges::max_element(tokens);
  int running = 0;
  for (const int change : requests)
    metrics.max_concurrent_requests = std::max(metrics.max_concurrent_requests, running += change);
}

void add_latencies(const LoadResult& result, const ServeOptions& options, ServeMetrics& metrics) {
  std::vector<double> ttfts;
  std::vector<double> tpots;
  std::vector<double> itls;
  std::vector<double> e2els;
  for (const CallRecord& record : result.records) {
    if (!record.is_ok) continue;
    ttfts.push_back(record.ttft());
    e2els.push_back(record.latency());
    if (record.num_output_tokens > 1) tpots.push_back(tpot_of(record));
    itls.insert(itls.end(), record.itls.begin(), record.itls.end());
  }
  const auto& percentages = options.metric_percentiles;
  metrics.latencies["ttft"] = summarize_latencies(std::move(ttfts), percentages);
  metrics.latencies["tpot"] = summarize_latencies(std::move(tpots), percentages);
  metrics.latencies["itl"] = summarize_latencies(std::move(itls), percentages);
  metrics.latencies["e2el"] = summarize_latencies(std::move(e2els), percentages);
}

}  // namespace

ServeMetrics measure(const LoadResult& result, const ServeOptions& options) {
  ServeMetrics metrics;
  int num_good = 0;
  for (const CallRecord& record : result.records) {
    if (!record.is_ok) {
      ++metrics.failed;
      continue;
    }
    ++metrics.completed;
    metrics.total_input += record.num_prompt_tokens;
    metrics.total_output += record.num_output_tokens;
    if (is_good(record, options.goodput)) ++num_good;
  }
  const double duration = result.duration;
  const auto per_second = [duration](auto number) {
    return duration > 0.0 ? static_cast<double>(number) / duration : 0.0;
  };
  metrics.request_throughput = per_second(metrics.completed);
  if (!options.goodput.empty()) metrics.request_goodput = per_second(num_good);
  metrics.output_throughput = per_second(metrics.total_output);
  metrics.total_token_throughput = per_second(metrics.total_input + metrics.total_output);
  metrics.events_per_second = per_second(result.num_events);
  find_peaks(result, metrics);
  add_latencies(result, options, metrics);
  return metrics;
}

}  // namespace quire::bench
