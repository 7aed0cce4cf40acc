#include <cmath>
#include <random>

#include "bench/serve/call_plan.h"

namespace quire::bench {
double rate_of_call(const ServeOptions& options, size_t i, size_t number) {
  if (!options.ramp_up_strategy) return options.request_rate;
  const double progress =
      static_cast<double>(i) / static_cast<double>(std::max<size_t>(number - 1, 1));
  const double start = options.ramp_up_start_rps;
  const double end = options.ramp_up_end_rps;
  if (*options.ramp_up_strategy == "exponential") return start * std::pow(end / start, progress);
  return start + (end - start) * progress;
}

std::vector<double> arrival_times(const ServeOptions& options, size_t number) {
  std::vector<double> times(number, 0.0);
  const bool is_ramp = options.ramp_up_strategy.has_value();
  if (!is_ramp && std::isinf(options.request_rate)) return times;
  std::mt19937_64 random(options.dataset.seed);
  std::gamma_distribution<double> gap(options.burstiness, 1.0 / options.burstiness);
  double time = 0.0;
  for (size_t i = 0; i < number; ++i) {
    const double rate = rate_of_call(options, i, number);
    // A ramp-up that begins at nothing sends its first request at once.
    if (rate > 0.0) time += gap(random) / rate;
    times[i] = time;
  }
  if (is_ramp || time <= 0.0) return times;
  // The drawn gaps add up to nearly what the rate says; the measured rate should be exact.
  const double factor = static_cast<double>(number) / options.request_rate / time;
  for (double& value : times)
    value *= factor;
  return times;
}

}  // namespace quire::bench
