#pragma once

#include <vector>

namespace quire::bench {

// Between the two nearest values, linearly, as numpy.percentile does it. `values` may be in any
// order and has at least one; `percentage` in [0, 100].
double percentile(std::vector<double> values, double percentage);

}  // namespace quire::bench
