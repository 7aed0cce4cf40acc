#include "bench/statistics.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/check.h"
#include "bench/percentile.h"

namespace quire::bench {
namespace {

// How many of n fair coins fall on one side in less than 5 % of all throws, or fewer; -1: none is
// that rare.
int rare_number_of_heads(int n) {
  double probability = std::pow(0.5, n);  // of exactly k heads
  double sum = probability;  // of at most k
  int k = -1;
  while (sum <= 0.05) {
    ++k;
    probability *= static_cast<double>(n - k) / (k + 1);
    sum += probability;
  }
  return k;
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
  std::vector<double> ratios;
  for (size_t i = 0; i < numerators.size(); ++i) {
    if (numerators[i] > 0.0 && denominators[i] > 0.0) {
      ratios.push_back(numerators[i] / denominators[i]);
    }
  }
  PairedRatio result{.num_pairs = static_cast<int>(ratios.size())};
  if (ratios.empty()) return result;
  result.median = percentile(ratios, 50);
  std::ranges::sort(ratios);
  const int place = rare_number_of_heads(result.num_pairs);
  if (place >= 0) result.lower_95 = ratios[place];
  return result;
}

}  // namespace quire::bench
