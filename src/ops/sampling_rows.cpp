#include "ops/sampling_rows.h"

#include <cmath>
#include <limits>

#include "base/check.h"

namespace quire::ops {
namespace {

void check_weighing(const Weighing& weighing) {
  QUIRE_CHECK(
      std::isfinite(weighing.max) && weighing.inverse_temperature > 0.0f,
      "max {}, inverse temperature {}",
      weighing.max,
      weighing.inverse_temperature
  );
}

}  // namespace

float row_max(std::span<const float> values) {
  return cpu::row_max(values);
}

std::optional<int32_t> row_argmax(std::span<const float> values) {
  if (values.empty()) return std::nullopt;
  const int64_t best = cpu::row_argmax(values);
  if (!(values[best] > -std::numeric_limits<float>::infinity())) return std::nullopt;
  return static_cast<int32_t>(best);
}

int64_t count_at_least(std::span<const float> values, float bound) {
  return cpu::count_at_least(values, bound);
}

double sum_weights(std::span<const float> logits, const Weighing& weighing) {
  check_weighing(weighing);
  return cpu::sum_weights(logits, weighing);
}

void weigh(std::span<float> logits, const Weighing& weighing) {
  check_weighing(weighing);
  cpu::weigh(logits, weighing);
}

bool race_chunk(
    const RaceChunk& chunk,
    std::span<const float, kRaceChunk> weights,
    std::span<uint32_t, kRaceChunk> words
) {
  QUIRE_CHECK(chunk.first_token_id % 4 == 0, "first token {}", chunk.first_token_id);
  return cpu::race_chunk(chunk, weights, words);
}

}  // namespace quire::ops
