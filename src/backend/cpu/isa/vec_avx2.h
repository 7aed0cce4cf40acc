#pragma once

#include <cstdint>

#include <immintrin.h>

namespace quire::cpu {

// 8 floats in a register; see vec_generic.h.
struct VecAvx2 {
  static constexpr int kWidth = 8;
  static constexpr int kNumRegisters = 16;
  using Reg = __m256;

  static Reg zero() { return _mm256_setzero_ps(); }
  static Reg set1(float value) { return _mm256_set1_ps(value); }
  static Reg iota() { return _mm256_setr_ps(0, 1, 2, 3, 4, 5, 6, 7); }
  static Reg load(const float* from) { return _mm256_loadu_ps(from); }
  static void store(float* to, Reg a) { _mm256_storeu_ps(to, a); }
  static Reg load_n(const float* from, int count) {
    return _mm256_maskload_ps(from, mask_of(count));
  }
  static void store_n(float* to, Reg a, int count) { _mm256_maskstore_ps(to, mask_of(count), a); }

  static Reg add(Reg a, Reg b) { return _mm256_add_ps(a, b); }
  static Reg sub(Reg a, Reg b) { return _mm256_sub_ps(a, b); }
  static Reg mul(Reg a, Reg b) { return _mm256_mul_ps(a, b); }
  static Reg div(Reg a, Reg b) { return _mm256_div_ps(a, b); }
  static Reg fma(Reg a, Reg b, Reg c) { return _mm256_fmadd_ps(a, b, c); }
  static Reg max(Reg a, Reg b) { return _mm256_max_ps(a, b); }
  static Reg min(Reg a, Reg b) { return _mm256_min_ps(a, b); }
  static Reg select_less(Reg a, Reg b, Reg yes, Reg no) {
    return _mm256_blendv_ps(no, yes, _mm256_cmp_ps(a, b, _CMP_LT_OQ));
  }
  static Reg round(Reg a) {
    return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  }
  static Reg scale_by_power(Reg a, Reg exponent) {
    const __m256i n = _mm256_cvtps_epi32(exponent);
    const __m256i half = _mm256_srai_epi32(n, 1);
    return mul(mul(a, power(half)), power(_mm256_sub_epi32(n, half)));
  }
  static float reduce_add(Reg a) {
    __m128 sum = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    sum = _mm_add_ps(sum, _mm_movehl_ps(sum, sum));
    return _mm_cvtss_f32(_mm_add_ss(sum, _mm_movehdup_ps(sum)));
  }
  static float reduce_max(Reg a) {
    __m128 top = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    top = _mm_max_ps(top, _mm_movehl_ps(top, top));
    return _mm_cvtss_f32(_mm_max_ss(top, _mm_movehdup_ps(top)));
  }

  static Reg load_bf16(const uint16_t* from) {
    return widen(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
  }
  static Reg load_bf16_n(const uint16_t* from, int count) {
    alignas(16) uint16_t buffer[kWidth] = {};
    for (int i = 0; i < count; ++i) {
      buffer[i] = from[i];
    }
    return load_bf16(buffer);
  }
  static void load_pairs(const uint16_t* from, Reg& even, Reg& odd) {
    __m256i line = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
    asm("" : "+x"(line));  // one load; the compiler would fold one into each use
    even = _mm256_castsi256_ps(_mm256_slli_epi32(line, 16));
    odd = _mm256_castsi256_ps(_mm256_and_si256(line, _mm256_set1_epi32(-0x10000)));
  }
  static void store_bf16(uint16_t* to, Reg a) {
    const __m256i bits = _mm256_castps_si256(a);
    const __m256i lsb = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    const __m256i rounded =
        _mm256_add_epi32(bits, _mm256_add_epi32(lsb, _mm256_set1_epi32(0x7FFF)));
    const __m256i quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x400000));
    const __m256i is_nan = _mm256_castps_si256(_mm256_cmp_ps(a, a, _CMP_UNORD_Q));
    const __m256i result = _mm256_srli_epi32(_mm256_blendv_epi8(rounded, quiet, is_nan), 16);
    const __m256i packed = _mm256_permute4x64_epi64(_mm256_packus_epi32(result, result), 0b1000);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm256_castsi256_si128(packed));
  }

 private:
  static __m256i mask_of(int count) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  }
  static Reg power(__m256i n) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(n, _mm256_set1_epi32(127)), 23));
  }
  static Reg widen(__m128i halves) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(halves), 16));
  }
};

}  // namespace quire::cpu
