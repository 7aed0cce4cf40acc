#pragma once

#include <map>
#include <string>
#include <vector>

#include "bench/serve/load_generator.h"
#include "bench/serve/serve_options.h"

namespace quire::bench {

// Milliseconds.
struct LatencySummary {
  double mean = 0.0;
  double median = 0.0;
  double std = 0.0;
  std::vector<double> percentiles;  // [metric_percentiles]
};

// What vLLM's `bench serve` tells of a run; all but `failed` is of the answers that came whole.
struct ServeMetrics {
  int completed = 0;
  int failed = 0;
  int64_t total_input = 0;  // tokens
  int64_t total_output = 0;  // tokens
  double request_throughput = 0.0;  // per second
  std::optional<double> request_goodput;  // per second; only with limits
  double output_throughput = 0.0;  // tokens per second
  double total_token_throughput = 0.0;
  double max_output_tokens_per_s = 0.0;  // of the best whole second
  int max_concurrent_requests = 0;  // of the second with most
  double events_per_second = 0.0;  // of all streams
  std::map<std::string, LatencySummary> latencies;  // ttft, tpot, itl, e2el
};

ServeMetrics measure(const LoadResult& result, const ServeOptions& options);

}  // namespace quire::bench
