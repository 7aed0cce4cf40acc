#pragma once

#include <cstdint>

#include "backend/cpu/isa/math.h"
#include "backend/cpu/kernel_table.h"

// Work on rows of float32: norms, gated activations, embedding rows, the store of a linear.
namespace quire::cpu {

// Calls body(i, count) for the vectors of a row; only the last may be partial.
template <class V, class Body>
[[gnu::always_inline]] inline void for_each_vector(int64_t size, Body body) {
  int64_t i = 0;
  for (; i + V::kWidth <= size; i += V::kWidth) {
    body(i, V::kWidth);
  }
  if (i < size) body(i, static_cast<int>(size - i));
}

template <class V>
[[gnu::always_inline]] inline typename V::Reg load_part(const float* from, int count) {
  return count == V::kWidth ? V::load(from) : V::load_n(from, count);
}

template <class V>
[[gnu::always_inline]] inline void store_part(float* to, typename V::Reg a, int count) {
  if (count == V::kWidth) {
    V::store(to, a);
  } else {
    V::store_n(to, a, count);
  }
}

template <class V>
float sum_of_squares(const float* x, int64_t size) {
  using Reg = typename V::Reg;
  Reg sums[4] = {V::zero(), V::zero(), V::zero(), V::zero()};
  int64_t i = 0;
  for (; i + 4 * V::kWidth <= size; i += 4 * V::kWidth) {
    for (int j = 0; j < 4; ++j) {
      const Reg a = V::load(x + i + j * V::kWidth);
      sums[j] = V::fma(a, a, sums[j]);
    }
  }
  for_each_vector<V>(size - i, [&](int64_t j, int count) {
    const Reg a = load_part<V>(x + i + j, count);
    sums[0] = V::fma(a, a, sums[0]);
  });
  return V::reduce_add(V::add(V::add(sums[0], sums[1]), V::add(sums[2], sums[3])));
}

template <class V>
float inverse_rms(const float* x, float eps, int64_t size) {
  const float mean = sum_of_squares<V>(x, size) / static_cast<float>(size);
  return 1.0f / __builtin_sqrtf(mean + eps);
}

template <class V>
void rms_norm(const float* x, const float* weight, float eps, int64_t size, float* out) {
  const auto scale = V::set1(inverse_rms<V>(x, eps, size));
  for_each_vector<V>(size, [&](int64_t i, int count) {
    const auto normed = V::mul(load_part<V>(x + i, count), scale);
    store_part<V>(out + i, V::mul(normed, load_part<V>(weight + i, count)), count);
  });
}

template <class V>
void rms_norm_add(const float* x, const float* weight, float eps, int64_t size, float* out) {
  const auto scale = V::set1(inverse_rms<V>(x, eps, size));
  for_each_vector<V>(size, [&](int64_t i, int count) {
    const auto normed = V::mul(load_part<V>(x + i, count), scale);
    const auto product = V::mul(normed, load_part<V>(weight + i, count));
    store_part<V>(out + i, V::add(load_part<V>(out + i, count), product), count);
  });
}

template <class V>
void silu_mul(const float* gate, const float* up, int64_t size, float* out) {
  for_each_vector<V>(size, [&](int64_t i, int count) {
    const auto activated = silu<V>(load_part<V>(gate + i, count));
    store_part<V>(out + i, V::mul(activated, load_part<V>(up + i, count)), count);
  });
}

template <class V>
void gelu_tanh_mul(const float* gate, const float* up, int64_t size, float* out) {
  for_each_vector<V>(size, [&](int64_t i, int count) {
    const auto activated = gelu_tanh<V>(load_part<V>(gate + i, count));
    store_part<V>(out + i, V::mul(activated, load_part<V>(up + i, count)), count);
  });
}

template <class V>
void scale_float32(const float* x, float scale, int64_t size, float* out) {
  const auto factor = V::set1(scale);
  for_each_vector<V>(size, [&](int64_t i, int count) {
    store_part<V>(out + i, V::mul(load_part<V>(x + i, count), factor), count);
  });
}

template <class V>
void scale_bfloat16(const uint16_t* x, float scale, int64_t size, float* out) {
  const auto factor = V::set1(scale);
  for_each_vector<V>(size, [&](int64_t i, int count) {
    const auto a = count == V::kWidth ? V::load_bf16(x + i) : V::load_bf16_n(x + i, count);
    store_part<V>(out + i, V::mul(a, factor), count);
  });
}

template <class V>
void store_row(const StoreArgs& args, const float* sums, float* out) {
  const auto cap = V::set1(args.softcap);
  const auto inverse_cap = V::set1(args.softcap != 0.0f ? 1.0f / args.softcap : 0.0f);
  for_each_vector<V>(args.num_columns, [&](int64_t i, int count) {
    auto value = V::load(sums + i);
    if (args.bias != nullptr) value = V::add(value, load_part<V>(args.bias + i, count));
    if (args.softcap != 0.0f) value = softcap<V>(value, cap, inverse_cap);
    if (args.accumulate) value = V::add(load_part<V>(out + i, count), value);
    store_part<V>(out + i, value, count);
  });
}

template <class V>
void store(const StoreArgs& args) {
  for (int row = 0; row < args.num_rows; ++row) {
    store_row<V>(args, args.sums + row * args.ld_sums, args.out + row * args.ld_out);
  }
}

}  // namespace quire::cpu
