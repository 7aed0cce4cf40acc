#pragma once

#include <bit>
#include <cstdint>
#include <span>

namespace quire {

// Passes over one row of logits, written so that the compiler makes vector code of them. NaN counts
// as absent everywhere.

// e^x for x <= 0, within 2 ulp; 0 below -87.3, where float32 ends.
inline float exp_nonpositive(float x) {
  constexpr float kLowest = -87.3f;
  constexpr float kLog2E = 1.44269504f;
  constexpr float kLn2High = 0.693359375f;
  constexpr float kLn2Low = -2.12194440e-4f;
  constexpr float kRounder = 12582912.0f;  // 1.5 * 2^23: adding it rounds to a whole number
  const float clamped = x > kLowest ? x : kLowest;
  const float shifted = clamped * kLog2E + kRounder;
  const float n = shifted - kRounder;
  const float r = (clamped - n * kLn2High) - n * kLn2Low;
  float poly = 1.98756915e-4f;
  poly = poly * r + 1.39819995e-3f;
  poly = poly * r + 8.33345191e-3f;
  poly = poly * r + 4.16657959e-2f;
  poly = poly * r + 1.66666655e-1f;
  poly = poly * r + 5.00000012e-1f;
  poly = poly * r * r + r + 1.0f;
  const uint32_t exponent = std::bit_cast<uint32_t>(shifted) - std::bit_cast<uint32_t>(kRounder);
  const float power = std::bit_cast<float>((exponent + 127u) << 23);
  return x > kLowest ? poly * power : 0.0f;
}

// -infinity when no value is left.
float row_max(std::span<const float> values);

// Lowest index of the largest value; -1 when there is none above -infinity.
int32_t row_argmax(std::span<const float> values);

// Sum of e^((x - max) * inverse_temperature) over the values whose term is at least min_weight.
double sum_weights(
    std::span<const float> logits, float max, float inverse_temperature, float min_weight
);

// Replaces each logit by that term, and by 0 where it is below min_weight.
void logits_to_weights(
    std::span<float> logits, float max, float inverse_temperature, float min_weight
);

// Number of values >= bound.
int64_t count_at_least(std::span<const float> values, float bound);

}  // namespace quire
