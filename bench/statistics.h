#pragma once

#include <span>
#include <vector>

namespace quire::bench {

// Median and range of repeated measurements; needs at least one.
struct Summary {
  double median = 0.0;
  double min = 0.0;
  double max = 0.0;
};
Summary summarize(const std::vector<double>& values);

double mean(std::span<const double> values);  // 0 for none

// How many times larger `numerators` are than their partners in `denominators`, which were measured
// right beside them. Pairs with a number that is not positive have no ratio and are left out.
struct PairedRatio {
  int num_pairs = 0;
  double median = 0.0;  // 0 without pairs
  // The true median lies above it with a confidence of at least 95 %, however the ratios are
  // distributed (sign test): disturbed pairs do not matter as long as they are few. 0 for fewer
  // than five pairs, which cannot give that confidence.
  double lower_95 = 0.0;
};
PairedRatio paired_ratio(std::span<const double> numerators, std::span<const double> denominators);

}  // namespace quire::bench
