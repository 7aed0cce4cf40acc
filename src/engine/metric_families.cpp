#include "engine/metric_families.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

namespace quire {
namespace {

constexpr std::string_view kTotal = "_total";
constexpr const char* kPositionLabel = "position";

MetricLabels labels_of(const prometheus::ClientMetric& metric) {
  MetricLabels labels;
  for (const auto& label : metric.label)
    labels.emplace(label.name, label.value);
  return labels;
}

std::string without_total(std::string name) {
  if (name.ends_with(kTotal)) name.resize(name.size() - kTotal.size());
  return name;
}

Histogram to_histogram(const std::string& name, const prometheus::ClientMetric& metric) {
  Histogram histogram{.name = name, .labels = labels_of(metric)};
  histogram.count = static_cast<int64_t>(metric.histogram.sample_count);
  histogram.sum = metric.histogram.sample_sum;
  for (const auto& bucket : metric.histogram.bucket) {
    histogram.buckets.emplace_back(
        std::isinf(bucket.upper_bound) ? "+Inf" : fmt::format("{}", bucket.upper_bound),
        static_cast<int64_t>(bucket.cumulative_count)
    );
  }
  return histogram;
}

Vector to_vector(const prometheus::MetricFamily& family) {
  Vector vector{.name = without_total(family.name)};
  for (const auto& metric : family.metric) {
    MetricLabels labels = labels_of(metric);
    const size_t position = std::stoul(labels.at(kPositionLabel));
    if (vector.values.size() <= position) vector.values.resize(position + 1);
    vector.values[position] = static_cast<int64_t>(metric.counter.value);
    labels.erase(kPositionLabel);
    vector.labels = std::move(labels);
  }
  return vector;
}

bool is_vector(const prometheus::MetricFamily& family) {
  return !family.metric.empty() && labels_of(family.metric.front()).contains(kPositionLabel);
}

}  // namespace

prometheus::Gauge& MetricFamilies::gauge(
    const std::string& name, const std::string& help, const MetricLabels& labels
) {
  auto& family = prometheus::BuildGauge().Name(name).Help(help).Register(registry_);
  return family.Add(all_labels(labels));
}

prometheus::Counter& MetricFamilies::counter(
    const std::string& name, const std::string& help, const MetricLabels& labels
) {
  auto& family = prometheus::BuildCounter().Name(name).Help(help).Register(registry_);
  return family.Add(all_labels(labels));
}

prometheus::Histogram& MetricFamilies::histogram(
    const std::string& name, const std::string& help, const Buckets& buckets
) {
  auto& family = prometheus::BuildHistogram().Name(name).Help(help).Register(registry_);
  return family.Add(all_labels({}), buckets);
}

MetricLabels MetricFamilies::all_labels(const MetricLabels& labels) const {
  MetricLabels all = labels_;
  all.insert(labels.begin(), labels.end());
  return all;
}

Buckets buckets_1_2_5(int max) {
  Buckets buckets;
  for (double power = 1.0; power <= max; power *= 10.0) {
    for (const double digit : {1.0, 2.0, 5.0}) {
      if (digit * power <= max) buckets.push_back(digit * power);
    }
  }
  return buckets;
}

void raise_to(prometheus::Counter& counter, int64_t total) {
  const double rest = static_cast<double>(total) - counter.Value();
  if (rest > 0.0) counter.Increment(rest);
}

void observe_many(
    prometheus::Histogram& histogram,
    const Buckets& buckets,
    double value,
    int64_t count,
    std::vector<double>& increments
) {
  if (count == 1) return histogram.Observe(value);
  increments.assign(buckets.size() + 1, 0.0);
  const auto bucket = std::lower_bound(buckets.begin(), buckets.end(), value);
  increments[static_cast<size_t>(bucket - buckets.begin())] = static_cast<double>(count);
  histogram.ObserveMultiple(increments, value * static_cast<double>(count));
}

std::vector<Metric> to_metrics(const std::vector<prometheus::MetricFamily>& families) {
  std::vector<Metric> metrics;
  for (const prometheus::MetricFamily& family : families) {
    if (is_vector(family)) {
      metrics.emplace_back(to_vector(family));
      continue;
    }
    for (const prometheus::ClientMetric& metric : family.metric) {
      if (family.type == prometheus::MetricType::Gauge) {
        metrics.emplace_back(Gauge{family.name, labels_of(metric), metric.gauge.value});
      } else if (family.type == prometheus::MetricType::Counter) {
        metrics.emplace_back(Counter{
            without_total(family.name),
            labels_of(metric),
            static_cast<int64_t>(metric.counter.value),
        });
      } else {
        metrics.emplace_back(to_histogram(family.name, metric));
      }
    }
  }
  return metrics;
}

}  // namespace quire
