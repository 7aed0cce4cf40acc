#pragma once

#include <cstdint>
#include <span>

// See ops/sampling_rows.h.
namespace quire {

// Turns logits into weights: probabilities times an unknown constant, 1 for a logit of `max`.
// weight = e^((logit - max) * inverse_temperature), or 0 where that is below min_weight.
struct Weighing {
  float max = 0.0f;  // of the logits; finite
  float inverse_temperature = 1.0f;
  float min_weight = 0.0f;  // in [0, 1]
};

// The times of kRaceChunk neighbouring tokens in an exponential race.
struct RaceChunk {
  uint64_t seed = 0;
  uint64_t position = 0;
  int32_t first_token_id = 0;  // a multiple of 4
  float speed_to_beat = 0.0f;  // >= 0
};
inline constexpr int kRaceChunk = 64;

namespace cpu {
float row_max(std::span<const float> values);
int64_t row_argmax(std::span<const float> values);  // 0 when nothing is above -infinity
int64_t count_at_least(std::span<const float> values, float bound);
double sum_weights(std::span<const float> logits, const Weighing& weighing);
void weigh(std::span<float> logits, const Weighing& weighing);
bool race_chunk(
    const RaceChunk& chunk,
    std::span<const float, kRaceChunk> weights,
    std::span<uint32_t, kRaceChunk> words
);
}  // namespace cpu

}  // namespace quire
