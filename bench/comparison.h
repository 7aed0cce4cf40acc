#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "bench/measured_engine.h"
#include "bench/statistics.h"
#include "bench/workload.h"

namespace quire::bench {

enum class Better : uint8_t { kHigher, kLower, kNeither };

// One line of the table.
struct Metric {
  std::string name;
  std::string unit;  // "" for plain numbers
  Better better = Better::kNeither;
  Summary baseline;  // over the passes
  Summary candidate;
  // How many times better the candidate is, pass by pass; none where the numbers are no rates or
  // times.
  std::optional<PairedRatio> ratio;
};

// Both engines on one workload.
struct Comparison {
  std::string name;
  std::string description;
  std::string baseline_name;
  std::string candidate_name;
  int num_passes = 0;
  int num_requests = 0;
  std::vector<Metric> metrics;
  // Requests whose tokens were not the same in every pass of both engines.
  int num_different_requests = 0;
  PassResult baseline_pass;  // the last ones, for the plots
  PassResult candidate_pass;

  const Metric& metric(const std::string& name) const;  // must be there
};

// How often a workload is served: as often as asked for, and at least for about so long, because
// the bound of a ratio comes nearer to its median with every pass.
struct PassLimits {
  int num_passes = 0;
  double min_seconds = 0.0;
};

// Passes of both engines by turns, the first of each pair changing. `progress` is called after each
// pass with how many have been done, and of how many.
Comparison compare(
    const Workload& workload,
    const PassLimits& limits,
    const std::function<void(int done, int total)>& progress
);

// Milliseconds of a pass: from arrival to the first token, and between two tokens.
std::vector<double> times_to_first_token(const PassResult& pass);
std::vector<double> inter_token_latencies(const PassResult& pass);

}  // namespace quire::bench
