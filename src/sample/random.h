#pragma once

#include <array>
#include <cstdint>

namespace quire {

// Counter-based randomness: no state moves from draw to draw, so a draw is the same in any batch,
// after a preemption and on any number of threads.
//
// Generator: Philox 4x32 with 10 rounds (Salmon et al., SC 2011). Its 64-bit key is the request's
// seed; its 128-bit counter is
//   { token_id / 4, low word of position, high word of position, 0 }
// and token_id % 4 picks one of the four words it returns. The last counter word names the use: 0
// is the sampling of a token. ops::race_chunk makes the same words, 64 at once.
struct DrawKey {
  uint64_t seed = 0;
  uint64_t position = 0;  // of the token to be drawn, from the start of the prompt
};

std::array<uint32_t, 4> philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

// The word that belongs to one token of the vocabulary.
uint32_t random_word(DrawKey key, int32_t token_id);

// A word as a sample of (0, 1) and of the exponential distribution with mean 1.
inline double to_uniform(uint32_t word) {
  return (word + 0.5) * 0x1p-32;
}
double to_exponential(uint32_t word);

// The seed of a request that brings none.
uint64_t derive_seed(uint64_t engine_seed, uint64_t request_id);

}  // namespace quire
