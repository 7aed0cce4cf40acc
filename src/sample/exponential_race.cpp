#include "sample/exponential_race.h"

#include <algorithm>
#include <array>

#include "ops/sampling_rows.h"

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
  std::optional<int32_t> token() const {
    return token_id < 0 ? std::nullopt : std::optional(token_id);
  }
};

// The bound on a token's time is rounded to float32 a few times.
constexpr double kSlack = 1e-6;
constexpr double kLeastTime = 0x1p-33;  // the smallest 1 - u

void offer_all(Winner& winner, std::span<const float> weights, const uint32_t* words, size_t id) {
  for (size_t i = 0; i < weights.size(); ++i) {
    const double least_time = 1.0 - to_uniform(words[i]);
    if (weights[i] < winner.speed * least_time * (1.0 - kSlack)) continue;
    winner.offer(weights[i] / to_exponential(words[i]), static_cast<int32_t>(id + i));
  }
}

}  // namespace

// Most tokens are too unlikely to win against the fastest so far: whole chunks are passed over by
// their largest weight, and then by a bound that needs no logarithm.
std::optional<int32_t> race(std::span<const float> weights, DrawKey key) {
  Winner winner;
  std::array<uint32_t, kRaceChunk> words;
  std::array<float, kRaceChunk> padded{};
  for (size_t start = 0; start < weights.size(); start += kRaceChunk) {
    auto chunk = weights.subspan(start, std::min<size_t>(kRaceChunk, weights.size() - start));
    const float max = ops::row_max(chunk);
    if (max <= 0.0f || max < winner.speed * kLeastTime * (1.0 - kSlack)) continue;
    if (chunk.size() < padded.size()) {
      std::ranges::copy(chunk, padded.begin());
      chunk = padded;
    }
    const RaceChunk place{
        .seed = key.seed,
        .position = key.position,
        .first_token_id = static_cast<int32_t>(start),
        .speed_to_beat = static_cast<float>(winner.speed * (1.0 - kSlack))};
    if (!ops::race_chunk(place, chunk.first<kRaceChunk>(), words)) continue;
    offer_all(winner, chunk, words.data(), start);
  }
  return winner.token();
}

std::optional<int32_t> race(std::span<const Candidate> candidates, DrawKey key) {
  Winner winner;
  for (const Candidate& c : candidates) {
    winner.offer(c.weight / to_exponential(random_word(key, c.token_id)), c.token_id);
  }
  return winner.token();
}

}  // namespace quire
