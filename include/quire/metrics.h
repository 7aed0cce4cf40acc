#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "quire/api.h"

namespace QUIRE_API quire {

using MetricLabels = std::map<std::string, std::string>;  // model_name, engine, and others

// A value that goes up and down.
struct Gauge {
  std::string name;  // "vllm:num_requests_running"
  MetricLabels labels;
  double value = 0.0;
};

// A sum that only grows. Its name in Prometheus' text ends with _total, here it does not.
struct Counter {
  std::string name;
  MetricLabels labels;
  int64_t value = 0;
};

struct Histogram {
  std::string name;
  MetricLabels labels;
  int64_t count = 0;
  double sum = 0.0;
  // [bounds + 1]: upper bound as Prometheus writes it ("0.5", …, "+Inf") and the observations up to
  // it, in rising order.
  std::vector<std::pair<std::string, int64_t>> buckets;
};

// A counter for each of a row of places.
struct Vector {
  std::string name;
  MetricLabels labels;
  std::vector<int64_t> values;  // [places]
};

using Metric = std::variant<Gauge, Counter, Histogram, Vector>;

}  // namespace quire
