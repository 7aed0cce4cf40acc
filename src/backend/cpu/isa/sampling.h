#pragma once

#include <cstdint>

#include "backend/cpu/isa/rows.h"

// Reductions over a row of logits.
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

template <class V>
int64_t argmax(const float* x, int64_t size) {
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

// out = exp(x - top), which may stand in place of x; returns the sum. Four sums per lane keep the
// rounding of a large vocabulary small.
template <class V>
float exp_row(const float* x, float top, int64_t size, float* out) {
  using Reg = typename V::Reg;
  const Reg shift = V::set1(top);
  Reg sums[4] = {V::zero(), V::zero(), V::zero(), V::zero()};
  int64_t i = 0;
  for (; i + 4 * V::kWidth <= size; i += 4 * V::kWidth) {
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) {
      const Reg e = exp<V>(V::sub(V::load(x + i + j * V::kWidth), shift));
      if (out != nullptr) V::store(out + i + j * V::kWidth, e);
      sums[j] = V::add(sums[j], e);
    }
  }
  for (; i < size; i += V::kWidth) {
    const int count = size - i < V::kWidth ? static_cast<int>(size - i) : V::kWidth;
    const Reg limit = V::set1(static_cast<float>(count));
    const Reg e = exp<V>(V::sub(V::load_n(x + i, count), shift));
    if (out != nullptr) V::store_n(out + i, e, count);
    sums[0] = V::add(sums[0], V::select_less(V::iota(), limit, e, V::zero()));
  }
  return V::reduce_add(V::add(V::add(sums[0], sums[1]), V::add(sums[2], sums[3])));
}

template <class V>
void log_softmax(const float* x, int64_t size, float* out) {
  const float top = row_max<V>(x, size);
  const float log_sum = __builtin_logf(exp_row<V>(x, top, size, nullptr));
  const auto shift = V::set1(top);
  const auto log_sums = V::set1(log_sum);
  for_each_vector<V>(size, [&](int64_t i, int count) {
    const auto shifted = V::sub(load_part<V>(x + i, count), shift);
    store_part<V>(out + i, V::sub(shifted, log_sums), count);
  });
}

template <class V>
void softmax(const float* x, int64_t size, float* out) {
  const float top = row_max<V>(x, size);
  const float sum = exp_row<V>(x, top, size, out);
  scale_float32<V>(out, 1.0f / sum, size, out);
}

}  // namespace quire::cpu
