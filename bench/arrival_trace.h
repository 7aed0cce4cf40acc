#pragma once

#include <string_view>
#include <vector>

namespace quire::bench {

struct TracedRequest {
  double arrival = 0.0;  // seconds after the first one
  int num_context_tokens = 0;
  int num_generated_tokens = 0;
};

// A table of requests as Azure publishes it: a heading, then lines of
// TIMESTAMP,ContextTokens,GeneratedTokens with times as YYYY-MM-DD hh:mm:ss.fraction, in order.
// Throws InvalidArgument (field "trace") with the line's number.
std::vector<TracedRequest> parse_arrival_trace(std::string_view csv);

// One factor that makes the longest request fit `max_model_len`; at most 1.
double length_scale(const std::vector<TracedRequest>& requests, int max_model_len);

}  // namespace quire::bench
