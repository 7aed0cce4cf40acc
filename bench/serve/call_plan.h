#pragma once

#include <string>
#include <vector>

#include "bench/dataset.h"
#include "bench/serve/serve_options.h"
#include "client/url.h"

namespace quire::bench {

// One request, ready to be sent.
struct PlannedCall {
  double at = 0.0;  // seconds after the start at which it is sent, if there is room
  std::string bytes;  // of HTTP
  int num_prompt_tokens = 0;
  int num_output_tokens = 0;  // that it asks for
};

// What was asked for of each second's rate during a ramp-up.
struct RateChange {
  int rps = 0;
  double at = 0.0;  // seconds after the start
};

struct CallPlan {
  std::vector<PlannedCall> calls;
  std::vector<RateChange> rate_changes;  // of a ramp-up
};

// The server and the model, as every request names them.
struct ServeTarget {
  client::Url base_url;
  std::string model;  // in the API
  std::string model_id;  // in the result
  std::string tokenizer_id;
  std::optional<std::string> api_key;
};

// The head and body of one POST.
std::string http_post(
    const ServeTarget& target,
    const std::string& path,
    const std::vector<std::string>& headers,
    const std::string& body
);

// Makes all requests before the first is sent. Throws InvalidArgument.
CallPlan make_call_plan(
    const ServeOptions& options, const ServeTarget& target, const PromptSource& source
);

// Seconds after the start at which each of `number` requests is sent: gaps of a gamma distribution
// whose sum is number / rate, or of a rate that grows. All 0 for an infinite rate.
std::vector<double> arrival_times(const ServeOptions& options, size_t number);

// Requests per second that request `i` of `number` is sent with.
double rate_of_call(const ServeOptions& options, size_t i, size_t number);

}  // namespace quire::bench
