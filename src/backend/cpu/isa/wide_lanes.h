#pragma once

#include <cstdint>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

// Lanes of 64 bits in a register as wide as a Vec of the given width.
namespace quire::cpu {

template <int kWidth>
struct WideLanes;

template <>
struct WideLanes<4> {
  using Reg = uint64_t __attribute__((vector_size(16)));
  // Products of the lower halves of the lanes; the upper halves are ignored.
  static Reg multiply_low(Reg a, uint32_t b) { return (a & 0xFFFFFFFF) * b; }
};

#if defined(__AVX2__)
template <>
struct WideLanes<8> {
  using Reg = uint64_t __attribute__((vector_size(32)));
  static Reg multiply_low(Reg a, uint32_t b) {
    const __m256i factor = _mm256_set1_epi64x(b);
    return reinterpret_cast<Reg>(_mm256_mul_epu32(reinterpret_cast<__m256i>(a), factor));
  }
};
#endif

#if defined(__AVX512F__)
template <>
struct WideLanes<16> {
  using Reg = uint64_t __attribute__((vector_size(64)));
  static Reg multiply_low(Reg a, uint32_t b) {
    const __m512i factor = _mm512_set1_epi64(b);
    return reinterpret_cast<Reg>(_mm512_mul_epu32(reinterpret_cast<__m512i>(a), factor));
  }
};
#endif

}  // namespace quire::cpu
