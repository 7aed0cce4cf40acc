#include "sample/random.h"

#include <cmath>

namespace quire {
namespace {

constexpr int kRounds = 10;
constexpr uint32_t kMultiplier0 = 0xD2511F53;
constexpr uint32_t kMultiplier1 = 0xCD9E8D57;
constexpr uint32_t kWeyl0 = 0x9E3779B9;
constexpr uint32_t kWeyl1 = 0xBB67AE85;

uint32_t low_word(uint64_t value) {
  return static_cast<uint32_t>(value);
}
uint32_t high_word(uint64_t value) {
  return static_cast<uint32_t>(value >> 32);
}

}  // namespace

std::array<uint32_t, 4> philox4x32(std::array<uint32_t, 4> c, std::array<uint32_t, 2> key) {
  for (int round = 0; round < kRounds; ++round) {
    const uint64_t product0 = static_cast<uint64_t>(kMultiplier0) * c[0];
    const uint64_t product1 = static_cast<uint64_t>(kMultiplier1) * c[2];
    c = {
        high_word(product1) ^ c[1] ^ key[0],
        low_word(product1),
        high_word(product0) ^ c[3] ^ key[1],
        low_word(product0),
    };
    key[0] += kWeyl0;
    key[1] += kWeyl1;
  }
  return c;
}

uint32_t random_word(DrawKey key, int32_t token_id) {
  const auto id = static_cast<uint32_t>(token_id);
  const auto words = philox4x32(
      {id / 4, low_word(key.position), high_word(key.position), 0},
      {low_word(key.seed), high_word(key.seed)}
  );
  return words[id % 4];
}

double to_exponential(uint32_t word) {
  return -std::log(to_uniform(word));
}

// SplitMix64 over both numbers: neighbouring ids get unrelated seeds.
uint64_t derive_seed(uint64_t engine_seed, uint64_t request_id) {
  const auto mix = [](uint64_t z) {
    z += 0x9E3779B97F4A7C15;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  };
  return mix(mix(engine_seed) ^ request_id);
}

}  // namespace quire
