#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/dataset.h"

namespace quire::bench {

// A request of a recorded trace, made to fit the model.
struct TraceCall {
  double arrival = 0.0;  // seconds after the first
  std::vector<int32_t> token_ids;  // made up; equal where the trace says that prompts begin alike
  int num_output_tokens = 0;
};

// Reads a CSV table (arrival_trace.h) or JSON lines (block_trace.h). Lengths are shortened by one
// factor so that the longest request fits the model. Throws InvalidArgument, EnvironmentError.
std::vector<TraceCall> read_trace_calls(
    const std::string& path, const PromptSource& source, uint64_t seed
);

}  // namespace quire::bench
