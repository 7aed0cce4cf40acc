#include "sample/row_math.h"

#include <algorithm>
#include <array>
#include <limits>

namespace quire {
namespace {

constexpr int kLanes = 16;
constexpr float kNegativeInfinity = -std::numeric_limits<float>::infinity();

float weight_of(float logit, float max, float inverse_temperature, float min_weight) {
  const float weight = exp_nonpositive((logit - max) * inverse_temperature);
  return weight >= min_weight ? weight : 0.0f;
}

}  // namespace

float row_max(std::span<const float> values) {
  std::array<float, kLanes> best;
  best.fill(kNegativeInfinity);
  const size_t full = values.size() / kLanes * kLanes;
  const float* data = values.data();
  for (size_t i = 0; i < full; i += kLanes) {
    for (int lane = 0; lane < kLanes; ++lane) {
      best[lane] = data[i + lane] > best[lane] ? data[i + lane] : best[lane];
    }
  }
  for (size_t i = full; i < values.size(); ++i) {
    best[0] = data[i] > best[0] ? data[i] : best[0];
  }
  return *std::max_element(best.begin(), best.end());
}

int32_t row_argmax(std::span<const float> values) {
  const float max = row_max(values);
  if (max == kNegativeInfinity) return -1;
  return static_cast<int32_t>(std::find(values.begin(), values.end(), max) - values.begin());
}

double sum_weights(
    std::span<const float> logits, float max, float inverse_temperature, float min_weight
) {
  constexpr size_t kChunk = 1024;  // summed in float32, then added to the total in float64
  double total = 0.0;
  for (size_t start = 0; start < logits.size(); start += kChunk) {
    const size_t end = std::min(start + kChunk, logits.size());
    const float* data = logits.data();
    std::array<float, kLanes> sums{};
    size_t i = start;
    for (; i + kLanes <= end; i += kLanes) {
      for (int lane = 0; lane < kLanes; ++lane) {
        sums[lane] += weight_of(data[i + lane], max, inverse_temperature, min_weight);
      }
    }
    for (; i < end; ++i)
      sums[0] += weight_of(data[i], max, inverse_temperature, min_weight);
    for (const float sum : sums)
      total += sum;
  }
  return total;
}

void logits_to_weights(
    std::span<float> logits, float max, float inverse_temperature, float min_weight
) {
  float* data = logits.data();
  const size_t size = logits.size();
  for (size_t i = 0; i < size; ++i) {
    data[i] = weight_of(data[i], max, inverse_temperature, min_weight);
  }
}

int64_t count_at_least(std::span<const float> values, float bound) {
  int64_t count = 0;
  for (const float value : values)
    count += value >= bound;
  return count;
}

}  // namespace quire
