#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace quire::bench {

// Bytes of memory that a process has in RAM now. Throws EnvironmentError when there is no such
// process.
int64_t resident_bytes(int pid);

// The samples of a page in Prometheus' text format: name{labels} -> value.
using MetricSamples = std::map<std::string, double>;
MetricSamples parse_metrics(std::string_view page);

// The sum of the samples of a metric whose labels hold all of `label`.
double sum_of(const MetricSamples& samples, std::string_view name, std::string_view label = "");

}  // namespace quire::bench
