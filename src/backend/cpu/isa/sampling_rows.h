#pragma once

#include <cstdint>

#include "backend/cpu/isa/rows.h"

// One row of logits on its way to a token.
namespace quire::cpu {

// e^((x - max) * inverse_temperature), 0 where that is below min_weight or NaN.
template <class V>
[[gnu::always_inline]] inline typename V::Reg weights_of(
    typename V::Reg x, const Weighing& weighing
) {
  const auto zero = V::zero();
  const auto shifted = V::sub(x, V::set1(weighing.max));
  const auto e = exp<V>(V::mul(shifted, V::set1(weighing.inverse_temperature)));
  const auto number = V::select_less(V::set1(-1.0f), e, e, zero);
  return V::select_less(number, V::set1(weighing.min_weight), zero, number);
}

template <class V>
double sum_weights(const float* x, int64_t size, const Weighing& weighing) {
  constexpr int64_t kChunk = 1024;  // summed in float32, then added to the total in float64
  const auto lowest = V::set1(-__builtin_inff());
  double total = 0.0;
  for (int64_t begin = 0; begin < size; begin += kChunk) {
    auto sum = V::zero();
    const int64_t length = size - begin < kChunk ? size - begin : kChunk;
    for_each_vector<V>(length, [&](int64_t i, int count) {
      auto part = load_part<V>(x + begin + i, count);
      if (count < V::kWidth) {
        part = V::select_less(V::iota(), V::set1(static_cast<float>(count)), part, lowest);
      }
      sum = V::add(sum, weights_of<V>(part, weighing));
    });
    total += static_cast<double>(V::reduce_add(sum));
  }
  return total;
}

template <class V>
void weigh(const float* x, int64_t size, const Weighing& weighing, float* out) {
  for_each_vector<V>(size, [&](int64_t i, int count) {
    store_part<V>(out + i, weights_of<V>(load_part<V>(x + i, count), weighing), count);
  });
}

template <class V>
int64_t count_at_least(const float* x, int64_t size, float bound) {
  int64_t count = 0;
  for (int64_t i = 0; i < size; ++i) {
    count += x[i] >= bound;
  }
  return count;
}

// Philox 4x32-10 (sample/random.h) of 16 counters side by side, one word per token.
template <class V>
void random_words(const RaceChunk& chunk, uint32_t* words) {
  constexpr int kLanes = kRaceChunk / 4;
  uint32_t c0[kLanes], c1[kLanes], c2[kLanes], c3[kLanes];
  for (int i = 0; i < kLanes; ++i) {
    c0[i] = static_cast<uint32_t>(chunk.first_token_id / 4 + i);
    c1[i] = static_cast<uint32_t>(chunk.position);
    c2[i] = static_cast<uint32_t>(chunk.position >> 32);
    c3[i] = 0;
  }
  auto key0 = static_cast<uint32_t>(chunk.seed);
  auto key1 = static_cast<uint32_t>(chunk.seed >> 32);
  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i < kLanes; ++i) {
      const uint64_t product0 = uint64_t{0xD2511F53} * c0[i];
      const uint64_t product1 = uint64_t{0xCD9E8D57} * c2[i];
      c0[i] = static_cast<uint32_t>(product1 >> 32) ^ c1[i] ^ key0;
      c1[i] = static_cast<uint32_t>(product1);
      c2[i] = static_cast<uint32_t>(product0 >> 32) ^ c3[i] ^ key1;
      c3[i] = static_cast<uint32_t>(product0);
    }
    key0 += 0x9E3779B9;
    key1 += 0xBB67AE85;
  }
  for (int i = 0; i < kLanes; ++i) {
    words[4 * i] = c0[i];
    words[4 * i + 1] = c1[i];
    words[4 * i + 2] = c2[i];
    words[4 * i + 3] = c3[i];
  }
}

// A token's time is E = -log(u) >= 1 - u, so weight / (1 - u) bounds its speed from above without a
// logarithm. ~word = 2^32 - 1 - word; halved, so that it converts as a signed number.
template <class V>
bool race_chunk(const RaceChunk& chunk, const float* weights, uint32_t* words) {
  random_words<V>(chunk, words);
  int any = 0;
  for (int i = 0; i < kRaceChunk; ++i) {
    const auto half = static_cast<int32_t>(~words[i] >> 1);
    const float least_time = (static_cast<float>(half) + 0.25f) * 0x1p-31f;
    any |= weights[i] >= chunk.speed_to_beat * least_time;
  }
  return any != 0;
}

}  // namespace quire::cpu
