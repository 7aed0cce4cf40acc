#include "backend/sampling_rows.h"

#include "backend/cpu/kernel_table.h"

namespace quire::cpu {

float row_max(std::span<const float> values) {
  return kernels().row_max(values.data(), static_cast<int64_t>(values.size()));
}

int64_t row_argmax(std::span<const float> values) {
  return kernels().row_argmax(values.data(), static_cast<int64_t>(values.size()));
}

int64_t count_at_least(std::span<const float> values, float bound) {
  return kernels().count_at_least(values.data(), static_cast<int64_t>(values.size()), bound);
}

double sum_weights(std::span<const float> logits, const Weighing& weighing) {
  return kernels().sum_weights(logits.data(), static_cast<int64_t>(logits.size()), weighing);
}

void weigh(std::span<float> logits, const Weighing& weighing) {
  const auto size = static_cast<int64_t>(logits.size());
  kernels().weigh(logits.data(), size, weighing, logits.data());
}

bool race_chunk(
    const RaceChunk& chunk,
    std::span<const float, kRaceChunk> weights,
    std::span<uint32_t, kRaceChunk> words
) {
  return kernels().race_chunk(chunk, weights.data(), words.data());
}

}  // namespace quire::cpu
