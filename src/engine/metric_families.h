#pragma once

#include <initializer_list>
#include <string>
#include <vector>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include "quire/metrics.h"

namespace quire {

using Buckets = std::vector<double>;

// Makes metrics that all carry the same labels.
class MetricFamilies {
 public:
  MetricFamilies(prometheus::Registry& registry, MetricLabels labels)
      : registry_(registry), labels_(std::move(labels)) {}

  // `labels`: beside those of all. The same name may be asked for with other labels.
  prometheus::Gauge& gauge(
      const std::string& name, const std::string& help, const MetricLabels& labels = {}
  );
  prometheus::Counter& counter(
      const std::string& name, const std::string& help, const MetricLabels& labels = {}
  );
  prometheus::Histogram& histogram(
      const std::string& name, const std::string& help, const Buckets& buckets
  );

 private:
  MetricLabels all_labels(const MetricLabels& labels) const;

  prometheus::Registry& registry_;
  MetricLabels labels_;
};

// 1, 2, 5, 10, 20, 50, … up to `max`.
Buckets buckets_1_2_5(int max);

// Brings a counter to what another part has counted since the start.
void raise_to(prometheus::Counter& counter, int64_t total);

// Observes one value `count` times. `increments` is room to work in.
void observe_many(
    prometheus::Histogram& histogram,
    const Buckets& buckets,
    double value,
    int64_t count,
    std::vector<double>& increments
);

// What the registry holds as plain structs. Counters that differ in the label `position` alone
// become one Vector.
std::vector<Metric> to_metrics(const std::vector<prometheus::MetricFamily>& families);

}  // namespace quire
