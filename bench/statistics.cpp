#include "bench/statistics.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/check.h"
#include "bench/percentile.h"

namespace quire::bench {
namespace {

// One-sided 95 % quantiles of Student's t for 1, 2, … degrees of freedom.
constexpr double kT95[] = {6.314, 2.920, 2.353, 2.132, 2.015, 1.943, 1.895, 1.860, 1.833, 1.812,
                           1.796, 1.782, 1.771, 1.761, 1.753, 1.746, 1.740, 1.734, 1.729, 1.725,
                           1.721, 1.717, 1.714, 1.711, 1.708, 1.706, 1.703, 1.701, 1.699, 1.697};

double t95(size_t degrees_of_freedom) {
  return kT95[std::min(degrees_of_freedom, std::size(kT95)) - 1];
}

}  // namespace

Summary summarize(const std::vector<double>& values) {
  return {
      .median = percentile(values, 50),
      .min = *std::ranges::min_element(values),
      .max = *std::ranges::max_element(values),
  };
}

double mean(std::span<const double> values) {
  if (values.empty()) return 0.0;
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

PairedRatio paired_ratio(std::span<const double> numerators, std::span<const double> denominators) {
  QUIRE_CHECK(numerators.size() == denominators.size());
  std::vector<double> logs;
  for (size_t i = 0; i < numerators.size(); ++i) {
    if (numerators[i] > 0.0 && denominators[i] > 0.0) {
      logs.push_back(std::log(numerators[i] / denominators[i]));
    }
  }
  PairedRatio ratio{.num_pairs = static_cast<int>(logs.size())};
  if (logs.empty()) return ratio;
  const double center = mean(logs);
  ratio.mean = std::exp(center);
  if (logs.size() < 2) return ratio;
  double squares = 0.0;
  for (const double log : logs)
    squares += (log - center) * (log - center);
  const auto degrees = static_cast<double>(logs.size() - 1);
  const double error = std::sqrt(squares / degrees / static_cast<double>(logs.size()));
  ratio.lower_95 = std::exp(center - t95(logs.size() - 1) * error);
  return ratio;
}

}  // namespace quire::bench
