#pragma once

#include <cstdint>

#include <immintrin.h>

namespace quire::cpu {

// 16 floats in a register. The three Vec types have the same members; vec_generic.h says what each
// one does.
struct VecAvx512 {
  static constexpr int kWidth = 16;
  static constexpr int kNumRegisters = 32;
  using Reg = __m512;

  static Reg zero() { return _mm512_setzero_ps(); }
  static Reg set1(float value) { return _mm512_set1_ps(value); }
  static Reg iota() { return _mm512_setr_ps(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15); }
  static Reg load(const float* from) { return _mm512_loadu_ps(from); }
  static void store(float* to, Reg a) { _mm512_storeu_ps(to, a); }
  static Reg load_n(const float* from, int count) {
    return _mm512_maskz_loadu_ps(mask_of(count), from);
  }
  static void store_n(float* to, Reg a, int count) { _mm512_mask_storeu_ps(to, mask_of(count), a); }

  static Reg add(Reg a, Reg b) { return _mm512_add_ps(a, b); }
  static Reg sub(Reg a, Reg b) { return _mm512_sub_ps(a, b); }
  static Reg mul(Reg a, Reg b) { return _mm512_mul_ps(a, b); }
  static Reg div(Reg a, Reg b) { return _mm512_div_ps(a, b); }
  static Reg fma(Reg a, Reg b, Reg c) { return _mm512_fmadd_ps(a, b, c); }
  static Reg max(Reg a, Reg b) { return _mm512_max_ps(a, b); }
  static Reg min(Reg a, Reg b) { return _mm512_min_ps(a, b); }
  static Reg select_less(Reg a, Reg b, Reg yes, Reg no) {
    return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, b, _CMP_LT_OQ), no, yes);
  }
  static Reg round(Reg a) {
    return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  }
  static Reg scale_by_power(Reg a, Reg exponent) { return _mm512_scalef_ps(a, exponent); }
  static float reduce_add(Reg a) { return _mm512_reduce_add_ps(a); }
  static float reduce_max(Reg a) { return _mm512_reduce_max_ps(a); }

  static Reg load_bf16(const uint16_t* from) {
    return widen(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
  }
  static Reg load_bf16_n(const uint16_t* from, int count) {
    return widen(_mm256_maskz_loadu_epi16(mask_of(count), from));
  }
  static void load_pairs(const uint16_t* from, Reg& even, Reg& odd) {
    __m512i line = _mm512_loadu_si512(from);
    asm("" : "+v"(line));  // one load; the compiler would fold one into each use
    even = _mm512_castsi512_ps(_mm512_slli_epi32(line, 16));
    odd = _mm512_castsi512_ps(_mm512_and_si512(line, _mm512_set1_epi32(-0x10000)));
  }
  static void store_bf16(uint16_t* to, Reg a) {
    const __m512i bits = _mm512_castps_si512(a);
    const __m512i lsb = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
    const __m512i rounded =
        _mm512_add_epi32(bits, _mm512_add_epi32(lsb, _mm512_set1_epi32(0x7FFF)));
    const __m512i quiet = _mm512_or_si512(bits, _mm512_set1_epi32(0x400000));
    const __mmask16 is_nan = _mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q);
    const __m512i result = _mm512_srli_epi32(_mm512_mask_blend_epi32(is_nan, rounded, quiet), 16);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm512_cvtepi32_epi16(result));
  }

 private:
  static __mmask16 mask_of(int count) { return static_cast<__mmask16>((1u << count) - 1); }
  static Reg widen(__m256i halves) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16));
  }
};

}  // namespace quire::cpu
