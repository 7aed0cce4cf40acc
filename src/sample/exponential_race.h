#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "sample/candidates.h"
#include "sample/random.h"

namespace quire {

// Draws a token with probability weight / sum of weights: every token gets an exponentially
// distributed time E from its own counter, and the smallest E / weight wins. Equal times: the lower
// id. nullopt: no weight is above 0.

// weights [vocab_size], by token id.
std::optional<int32_t> race(std::span<const float> weights, DrawKey key);

// The winner that race() finds for the same weights, the others being 0.
std::optional<int32_t> race(std::span<const Candidate> candidates, DrawKey key);

}  // namespace quire
