#include "sample/exponential_race.h"

#include <algorithm>
#include <array>

#include "sample/row_math.h"

namespace quire {
namespace {

struct Winner {
  double speed = 0.0;  // weight / E
  int32_t token_id = -1;

  void offer(double other_speed, int32_t other_id) {
    if (other_speed < speed || other_speed == 0.0) return;
    if (other_speed == speed && token_id >= 0 && token_id < other_id) return;
    speed = other_speed;
    token_id = other_id;
  }
};

constexpr size_t kChunk = 64;
constexpr double kSmallestUniform = 0x1p-33;

// E = -log(u) >= 1 - u, so weight / (1 - u) bounds the speed from above without a logarithm. The
// bound is rounded to float32 three times, hence the slack.
bool any_can_win(const float* weights, const uint32_t* words, double speed) {
  const auto target = static_cast<float>(speed * (1.0 - 1e-6));
  int any = 0;
  for (size_t i = 0; i < kChunk; ++i) {
    // ~word = 2^32 - 1 - word; halved, so that it converts as a signed number.
    const auto half = static_cast<int32_t>(~words[i] >> 1);
    const float one_minus_u = (static_cast<float>(half) + 0.25f) * 0x1p-31f;
    any |= weights[i] >= target * one_minus_u;
  }
  return any != 0;
}

void offer_all(Winner& winner, const float* weights, const uint32_t* words, size_t n, int32_t id) {
  for (size_t i = 0; i < n; ++i) {
    if (weights[i] < winner.speed * (1.0 - to_uniform(words[i])) * (1.0 - 1e-12)) continue;
    winner.offer(weights[i] / to_exponential(words[i]), id + static_cast<int32_t>(i));
  }
}

}  // namespace

int32_t race(std::span<const float> weights, DrawKey key) {
  Winner winner;
  std::array<uint32_t, kChunk> words;
  for (size_t start = 0; start < weights.size(); start += kChunk) {
    const size_t count = std::min(kChunk, weights.size() - start);
    const float* chunk = weights.data() + start;
    const float max = row_max({chunk, count});
    // 1 - u is at least the smallest uniform, so nothing in this chunk can win.
    if (max <= 0.0f || max < winner.speed * kSmallestUniform * 0.999) continue;
    random_words(key, static_cast<int32_t>(start), words);
    if (count == kChunk && !any_can_win(chunk, words.data(), winner.speed)) continue;
    offer_all(winner, chunk, words.data(), count, static_cast<int32_t>(start));
  }
  return winner.token_id;
}

int32_t race(std::span<const Candidate> candidates, DrawKey key) {
  Winner winner;
  for (const Candidate& c : candidates) {
    winner.offer(c.weight / to_exponential(random_word(key, c.token_id)), c.token_id);
  }
  return winner.token_id;
}

}  // namespace quire
