#pragma once

#include <cstdint>

#include "backend/cpu/isa/rows.h"
#include "backend/cpu/isa/wide_lanes.h"

// One row of logits on its way to a token.
namespace quire::cpu {

// NaN is passed over.
template <class V>
float row_max(const float* x, int64_t size) {
  using Reg = typename V::Reg;
  const Reg lowest = V::set1(-__builtin_inff());
  Reg tops[4] = {lowest, lowest, lowest, lowest};
  int64_t i = 0;
  for (; i + 4 * V::kWidth <= size; i += 4 * V::kWidth) {
    for (int j = 0; j < 4; ++j) {
      tops[j] = V::max(V::load(x + i + j * V::kWidth), tops[j]);
    }
  }
  for (; i + V::kWidth <= size; i += V::kWidth) {
    tops[0] = V::max(V::load(x + i), tops[0]);
  }
  float top = V::reduce_max(V::max(V::max(tops[0], tops[1]), V::max(tops[2], tops[3])));
  for (; i < size; ++i) {
    top = x[i] > top ? x[i] : top;
  }
  return top;
}

// The first among equals; 0 when nothing is above -infinity.
template <class V>
int64_t row_argmax(const float* x, int64_t size) {
  constexpr int64_t kBlock = 512;  // only the winner's block is searched for the index
  float best = -__builtin_inff();
  int64_t best_block = 0;
  for (int64_t begin = 0; begin < size; begin += kBlock) {
    const float top = row_max<V>(x + begin, size - begin < kBlock ? size - begin : kBlock);
    if (top > best) {
      best = top;
      best_block = begin;
    }
  }
  for (int64_t i = best_block; i < size; ++i) {
    if (x[i] == best) return i;
  }
  return 0;
}

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

// Philox 4x32-10 (sample/random.h): counter i of the chunk gives the words of tokens 4 i to 4 i
// + 3. A lane is one counter; what overflows into its upper half never comes back.
template <class V>
void random_words(const RaceChunk& chunk, uint32_t* words) {
  using Wide = WideLanes<V::kWidth>;
  using Lanes = typename Wide::Reg;
  constexpr int kLanes = V::kWidth / 2;
  for (int start = 0; start < kRaceChunk / 4; start += kLanes) {
    Lanes c0{};
    for (int i = 0; i < kLanes; ++i) {
      c0[i] = static_cast<uint32_t>(chunk.first_token_id / 4 + start + i);
    }
    Lanes c1 = Lanes{} + (chunk.position & 0xFFFFFFFF);
    Lanes c2 = Lanes{} + (chunk.position >> 32);
    Lanes c3{};
    auto key0 = static_cast<uint32_t>(chunk.seed);
    auto key1 = static_cast<uint32_t>(chunk.seed >> 32);
    for (int round = 0; round < 10; ++round) {
      const Lanes product0 = Wide::multiply_low(c0, 0xD2511F53);
      const Lanes product1 = Wide::multiply_low(c2, 0xCD9E8D57);
      c0 = (product1 >> 32) ^ c1 ^ key0;
      c1 = product1;
      c2 = (product0 >> 32) ^ c3 ^ key1;
      c3 = product0;
      key0 += 0x9E3779B9;
      key1 += 0xBB67AE85;
    }
    // Two words at a time: on every machine this runs on, the lower one comes first.
    static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);
    const Lanes low = (c0 & 0xFFFFFFFF) | (c1 << 32);
    const Lanes high = (c2 & 0xFFFFFFFF) | (c3 << 32);
    for (int i = 0; i < kLanes; ++i) {
      const uint64_t pairs[2] = {low[i], high[i]};
      __builtin_memcpy(words + 4 * (start + i), pairs, sizeof(pairs));
    }
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
