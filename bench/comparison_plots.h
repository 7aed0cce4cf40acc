#pragma once

#include <string>
#include <vector>

#include "bench/comparison.h"

// The plots of a comparison, as SVG.
namespace quire::bench {

// How many times as many output tokens a second the candidate gives, workload by workload.
std::string throughput_plot(const std::vector<Comparison>& comparisons);

// Milliseconds between two tokens, by percentile. Needs requests of two tokens or more.
std::string latency_plot(const Comparison& comparison);

// The tokens of every step over time: prefill on top of decoding, the width of a bar being the
// step's time.
std::string schedule_plot(const std::string& engine, const PassResult& pass);

}  // namespace quire::bench
