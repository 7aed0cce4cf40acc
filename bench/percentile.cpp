#include "bench/percentile.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace quire::bench {

double percentile(std::vector<double> values, double percentage) {
  QUIRE_CHECK(!values.empty() && percentage >= 0.0 && percentage <= 100.0);
  std::sort(values.begin(), values.end());
  const double place = percentage / 100.0 * static_cast<double>(values.size() - 1);
  const auto below = static_cast<size_t>(std::floor(place));
  const size_t above = std::min(below + 1, values.size() - 1);
  return values[below] + (place - static_cast<double>(below)) * (values[above] - values[below]);
}

}  // namespace quire::bench
