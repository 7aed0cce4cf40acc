#pragma once

#include <cstdint>

namespace quire::cpu {

// Four floats as the compiler's own vector: whatever the target's baseline has. Also the reference
// for the other Vec types: all members are static and take part in no other type's instantiations,
// so that code compiled for one instruction set never serves another.
struct VecGeneric {
  static constexpr int kWidth = 4;
  static constexpr int kNumRegisters = 16;
  using Reg = float __attribute__((vector_size(16)));
  using Ints = int32_t __attribute__((vector_size(16)));

  static Reg zero() { return Reg{}; }
  static Reg set1(float value) { return Reg{value, value, value, value}; }
  static Reg iota() { return Reg{0, 1, 2, 3}; }
  static Reg load(const float* from) {
    Reg a;
    __builtin_memcpy(&a, from, sizeof(a));
    return a;
  }
  static void store(float* to, Reg a) { __builtin_memcpy(to, &a, sizeof(a)); }
  // count in [0, kWidth]: the other lanes are zero, or stay as they are in memory.
  static Reg load_n(const float* from, int count) {
    Reg a{};
    for (int i = 0; i < count; ++i) {
      a[i] = from[i];
    }
    return a;
  }
  static void store_n(float* to, Reg a, int count) {
    for (int i = 0; i < count; ++i) {
      to[i] = a[i];
    }
  }

  static Reg add(Reg a, Reg b) { return a + b; }
  static Reg sub(Reg a, Reg b) { return a - b; }
  static Reg mul(Reg a, Reg b) { return a * b; }
  static Reg div(Reg a, Reg b) { return a / b; }
  static Reg fma(Reg a, Reg b, Reg c) { return a * b + c; }  // two roundings here
  static Reg max(Reg a, Reg b) { return a > b ? a : b; }  // b when either is NaN
  static Reg min(Reg a, Reg b) { return a < b ? a : b; }
  static Reg select_less(Reg a, Reg b, Reg yes, Reg no) { return a < b ? yes : no; }
  static Reg round(Reg a) {  // to nearest even; |a| < 2^22
    const Reg magic = set1(0x1.8p23f);
    return (a + magic) - magic;
  }
  // a * 2^exponent for whole exponents in [-252, 254], in two steps: subnormal and infinite results
  // come out right.
  static Reg scale_by_power(Reg a, Reg exponent) {
    const Ints n = __builtin_convertvector(exponent, Ints);
    const Ints half = n >> 1;
    return a * power(half) * power(n - half);
  }
  static float reduce_add(Reg a) { return (a[0] + a[2]) + (a[1] + a[3]); }
  static float reduce_max(Reg a) {
    const float low = a[0] > a[1] ? a[0] : a[1];
    const float high = a[2] > a[3] ? a[2] : a[3];
    return low > high ? low : high;
  }

  // bfloat16 is handled as its bits.
  static Reg load_bf16(const uint16_t* from) { return load_bf16_n(from, kWidth); }
  static Reg load_bf16_n(const uint16_t* from, int count) {
    Ints bits{};
    for (int i = 0; i < count; ++i) {
      bits[i] = static_cast<int32_t>(static_cast<uint32_t>(from[i]) << 16);
    }
    return reinterpret_cast<Reg>(bits);
  }
  // kWidth pairs (k, k + 1): the values of k and those of k + 1.
  static void load_pairs(const uint16_t* from, Reg& even, Reg& odd) {
    Ints line;
    __builtin_memcpy(&line, from, sizeof(line));
    even = reinterpret_cast<Reg>(line << 16);
    odd = reinterpret_cast<Reg>(line & -0x10000);
  }
  // Rounds to nearest even; NaN stays NaN.
  static void store_bf16(uint16_t* to, Reg a) {
    const Ints bits = reinterpret_cast<Ints>(a);
    const Ints rounded = bits + ((bits >> 16) & 1) + 0x7FFF;
    const Ints result = a == a ? rounded : (bits | 0x400000);
    for (int i = 0; i < kWidth; ++i) {
      to[i] = static_cast<uint16_t>(static_cast<uint32_t>(result[i]) >> 16);
    }
  }

 private:
  static Reg power(Ints n) { return reinterpret_cast<Reg>((n + 127) << 23); }
};

}  // namespace quire::cpu
