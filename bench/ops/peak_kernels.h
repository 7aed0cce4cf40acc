#pragma once

#include <cstddef>
#include <cstdint>

namespace quire::bench {

struct PeakKernels {
  // Reads num_bytes (a multiple of streams * 64) as `streams` equal pieces side by side.
  float (*read)(const std::byte* data, size_t num_bytes, int streams, size_t prefetch_bytes);
  // Returns the number of float32 operations done.
  double (*multiply_add)(int64_t num_rounds, float* sink);
};

const PeakKernels& generic_peak_kernels();
const PeakKernels& avx2_peak_kernels();
const PeakKernels& avx512_peak_kernels();

template <class V, int kStreams>
float read_streams(const std::byte* data, size_t num_bytes, size_t prefetch_bytes) {
  constexpr int kRegs = 16 / V::kWidth;
  typename V::Reg sums[kStreams];
  for (int s = 0; s < kStreams; ++s) {
    sums[s] = V::zero();
  }
  const size_t piece = num_bytes / kStreams;
  for (size_t offset = 0; offset < piece; offset += 64) {
#pragma GCC unroll 16
    for (int s = 0; s < kStreams; ++s) {
      const std::byte* line = data + s * piece + offset;
      if (prefetch_bytes != 0) __builtin_prefetch(line + prefetch_bytes);
#pragma GCC unroll 4
      for (int reg = 0; reg < kRegs; ++reg) {
        const auto* values = reinterpret_cast<const float*>(line) + reg * V::kWidth;
        sums[s] = V::add(sums[s], V::load(values));
      }
    }
  }
  float sum = 0;
  for (int s = 0; s < kStreams; ++s) {
    sum += V::reduce_add(sums[s]);
  }
  return sum;
}

template <class V>
float read(const std::byte* data, size_t num_bytes, int streams, size_t prefetch_bytes) {
  switch (streams) {
    case 1:
      return read_streams<V, 1>(data, num_bytes, prefetch_bytes);
    case 2:
      return read_streams<V, 2>(data, num_bytes, prefetch_bytes);
    case 4:
      return read_streams<V, 4>(data, num_bytes, prefetch_bytes);
    default:
      return read_streams<V, 8>(data, num_bytes, prefetch_bytes);
  }
}

template <class V>
double multiply_add(int64_t num_rounds, float* sink) {
  constexpr int kChains = V::kNumRegisters / 2;  // hides the latency of every known FMA unit
  typename V::Reg sums[kChains];
  for (int i = 0; i < kChains; ++i) {
    sums[i] = V::set1(static_cast<float>(i));
  }
  const auto factor = V::set1(*sink);
  for (int64_t round = 0; round < num_rounds; ++round) {
#pragma GCC unroll 16
    for (int i = 0; i < kChains; ++i) {
      sums[i] = V::fma(sums[i], factor, factor);
    }
  }
  for (int i = 1; i < kChains; ++i) {
    sums[0] = V::add(sums[0], sums[i]);
  }
  *sink = V::reduce_add(sums[0]);
  return 2.0 * V::kWidth * kChains * static_cast<double>(num_rounds);
}

template <class V>
inline constexpr PeakKernels kPeakKernels{read<V>, multiply_add<V>};

}  // namespace quire::bench
