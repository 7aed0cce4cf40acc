#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <span>
#include <vector>

#include "quire/sampling_params.h"
#include "sample/random.h"

// The sampling pipeline rule by rule in float64, over whole rows with full sorts.
namespace quire::test {

using Row = std::vector<double>;

inline constexpr double kBanned = -std::numeric_limits<double>::infinity();

inline Row reference_softmax(const Row& logits) {
  const double max = std::ranges::max(logits);
  Row probs(logits.size());
  double sum = 0.0;
  for (size_t i = 0; i < logits.size(); ++i)
    sum += probs[i] = std::exp(logits[i] - max);
  for (double& p : probs)
    p /= sum;
  return probs;
}

inline Row reference_log_softmax(const Row& logits) {
  const double max = std::ranges::max(logits);
  double sum = 0.0;
  for (const double logit : logits)
    sum += std::exp(logit - max);
  Row logprobs(logits);
  for (double& logprob : logprobs)
    logprob -= max + std::log(sum);
  return logprobs;
}

inline void reference_min_p(Row& logits, double min_p) {
  const Row probs = reference_softmax(logits);
  const double bound = min_p * std::ranges::max(probs);
  for (size_t i = 0; i < logits.size(); ++i) {
    if (probs[i] < bound) logits[i] = kBanned;
  }
}

inline void reference_top_k(Row& logits, int top_k) {
  if (top_k <= 0 || static_cast<size_t>(top_k) >= logits.size()) return;
  Row sorted(logits);
  std::ranges::sort(sorted, std::greater());
  for (double& logit : logits) {
    if (logit < sorted[top_k - 1]) logit = kBanned;
  }
}

inline void reference_top_p(Row& logits, double top_p) {
  if (top_p >= 1.0) return;
  std::vector<int> ascending(logits.size());
  std::iota(ascending.begin(), ascending.end(), 0);
  std::ranges::stable_sort(ascending, [&](int a, int b) { return logits[a] < logits[b]; });
  const Row probs = reference_softmax(logits);
  double cumulated = 0.0;
  for (size_t i = 0; i + 1 < ascending.size(); ++i) {
    cumulated += probs[ascending[i]];
    if (cumulated > 1.0 - top_p) break;
    logits[ascending[i]] = kBanned;
  }
}

// Logits after temperature, min_p, top_k and top_p.
inline Row reference_truncate(Row logits, const SamplingParams& params) {
  for (double& logit : logits)
    logit /= params.temperature;
  reference_min_p(logits, params.min_p);
  reference_top_k(logits, params.top_k);
  reference_top_p(logits, params.top_p);
  return logits;
}

// The exponential race by its definition.
inline int32_t reference_draw(const Row& probs, DrawKey key) {
  int32_t winner = -1;
  double best = 0.0;
  for (int32_t id = 0; id < static_cast<int32_t>(probs.size()); ++id) {
    const double speed = probs[id] / -std::log((random_word(key, id) + 0.5) * 0x1p-32);
    if (speed > best) {
      best = speed;
      winner = id;
    }
  }
  return winner;
}

// Pearson's statistic of draws against their probabilities. Its mean is the number of tokens with a
// probability above 0, less one; a token that cannot be drawn makes it infinite.
inline double chi_square(std::span<const int> counts, const Row& probs) {
  const double num_draws = std::accumulate(counts.begin(), counts.end(), 0.0);
  double sum = 0.0;
  for (size_t i = 0; i < counts.size(); ++i) {
    const double expected = num_draws * probs[i];
    const double difference = counts[i] - expected;
    if (difference != 0.0) sum += difference * difference / expected;
  }
  return sum;
}

// Exceeded once in a million tries by draws from the right distribution (Wilson and Hilferty).
inline double chi_square_limit(int degrees_of_freedom) {
  constexpr double kNormalQuantile = 4.7534;  // of 1 - 1e-6
  const double k = degrees_of_freedom;
  return k * std::pow(1.0 - 2.0 / (9.0 * k) + kNormalQuantile * std::sqrt(2.0 / (9.0 * k)), 3.0);
}

}  // namespace quire::test
