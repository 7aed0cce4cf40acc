#include "tensor/half.h"

#include <limits>

#include <gtest/gtest.h>

namespace quire {
namespace {

TEST(BFloat16, KeepsItsValuesAndRoundsOthersToTheNearestEven) {
  for (uint32_t bits = 0; bits < 0x7F80; ++bits) {
    const BFloat16 value{static_cast<uint16_t>(bits)};
    ASSERT_EQ(to_bfloat16(to_float(value)).bits, bits);
  }
  EXPECT_EQ(to_float(to_bfloat16(1.0f + 0x1p-8f)), 1.0f);
  EXPECT_EQ(to_float(to_bfloat16(1.0f + 0x3p-8f)), 1.0f + 0x1p-6f);
  EXPECT_EQ(to_float(to_bfloat16(-1.0f - 0x1.01p-8f)), -1.0f - 0x1p-7f);
}

TEST(BFloat16, KeepsInfinityAndNan) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(to_float(to_bfloat16(-kInfinity)), -kInfinity);
  EXPECT_EQ(to_float(to_bfloat16(std::numeric_limits<float>::max())), kInfinity);
  EXPECT_TRUE(std::isnan(to_float(to_bfloat16(std::bit_cast<float>(0x7F800001u)))));
}

TEST(Float16, EqualsItsDefinitionForEveryBitPattern) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const float value = to_float(Float16{static_cast<uint16_t>(bits)});
    const int exponent = static_cast<int>(bits >> 10 & 31);
    const int mantissa = static_cast<int>(bits & 1023);
    const float sign = (bits & 0x8000) != 0 ? -1.0f : 1.0f;
    if (exponent == 31) {
      ASSERT_EQ(std::isnan(value), mantissa != 0);
      ASSERT_TRUE(mantissa != 0 || value == sign * std::numeric_limits<float>::infinity());
    } else if (exponent == 0) {
      ASSERT_EQ(value, sign * std::ldexp(static_cast<float>(mantissa), -24));
    } else {
      ASSERT_EQ(value, sign * std::ldexp(static_cast<float>(1024 + mantissa), exponent - 25));
    }
  }
}

}  // namespace
}  // namespace quire
