#pragma once

#include <string>

#include "bench/serve/call_plan.h"
#include "bench/serve/serve_metrics.h"

namespace quire::bench {

struct ServeReport {
  const ServeOptions& options;
  const ServeTarget& target;
  const CallPlan& plan;
  const LoadResult& result;
  const ServeMetrics& metrics;
};

// The table that vLLM prints.
std::string to_table(const ServeReport& report);

// One JSON object with vLLM's fields; `date` as YYYYMMDD-hhmmss. Beside them stand
// num_stream_events and stream_events_per_second, which tell what a client had to read.
std::string to_json(const ServeReport& report, const std::string& date);

// "openai-infqps-concurrency8-small-chat-20250101-120000.json"
std::string result_file_name(const ServeReport& report, const std::string& date);

}  // namespace quire::bench
