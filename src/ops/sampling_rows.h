#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "backend/sampling_rows.h"

// One row of logits at a time, on the CPU and on the caller's thread: the sampler shares rows out
// over the threads itself, because they differ in what they need. NaN counts as absent.
namespace quire::ops {

// -infinity when no value is left.
float row_max(std::span<const float> values);

// Index of the largest value, the first one among equals; nullopt: none is above -infinity.
std::optional<int32_t> row_argmax(std::span<const float> values);

// Number of values >= bound.
int64_t count_at_least(std::span<const float> values, float bound);

// Weights of the logits: their sum, or in place of them.
double sum_weights(std::span<const float> logits, const Weighing& weighing);
void weigh(std::span<float> logits, const Weighing& weighing);

// Fills `words` with the random words of the chunk's tokens: Philox 4x32-10, key = seed, counter =
// {token_id / 4, low and high word of position, 0}, token_id % 4 picks the word. With
// u = (word + 0.5) / 2^32, token i runs at weights[i] / -log(u). False: none of them reaches
// speed_to_beat; true: one may.
bool race_chunk(
    const RaceChunk& chunk,
    std::span<const float, kRaceChunk> weights,
    std::span<uint32_t, kRaceChunk> words
);

}  // namespace quire::ops
