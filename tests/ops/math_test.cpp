#include <cmath>

#include "backend/cpu/kernel_table.h"
#include "op_test.h"

// The elementary functions inside the kernels, seen through the smallest kernel that uses each.
namespace quire {
namespace {

class KernelMathTest : public OpTest {
 protected:
  // Every float32 step of `step` bits from `first` to `last`, both of one sign.
  static std::vector<float> sweep(float first, float last, uint32_t step) {
    std::vector<float> values;
    const auto begin = std::bit_cast<uint32_t>(first);
    const auto end = std::bit_cast<uint32_t>(last);
    for (uint32_t bits = begin; bits < end; bits += step) {
      values.push_back(std::bit_cast<float>(bits));
    }
    return values;
  }
  static void expect_relative(double actual, double expected, double ulps, float x) {
    // Half an ulp is one epsilon; what is subnormal has an absolute error.
    ASSERT_NEAR(actual, expected, 2 * ulps * reference::kEpsilon * std::abs(expected) + 0x1p-149)
        << "at " << x;
  }
};
QUIRE_OP_TEST(KernelMathTest);

TEST_P(KernelMathTest, ExpIsWithinTwoUlp) {
  // silu(x) = x / (1 + exp(-x)); far left of zero it is x * exp(x), and the sum and the division
  // round once each.
  const auto gates = sweep(-20.0f, -80.0f, 997);
  const std::vector<float> ones(gates.size(), 1.0f);
  std::vector<float> out(gates.size(), NAN);
  cpu::kernels().silu_mul(gates.data(), ones.data(), gates.size(), out.data());
  for (size_t i = 0; i < gates.size(); ++i) {
    expect_relative(out[i], reference::silu(gates[i]), 2 + 1, gates[i]);
  }
}

TEST_P(KernelMathTest, SiluAndGeluFollowTheirDefinitions) {
  std::vector<float> gates = sweep(1e-6f, 30.0f, 9973);
  for (const float value : sweep(-1e-6f, -15.0f, 9973)) {
    gates.push_back(value);
  }
  const std::vector<float> ones(gates.size(), 1.0f);
  std::vector<float> out(gates.size(), NAN);
  cpu::kernels().silu_mul(gates.data(), ones.data(), gates.size(), out.data());
  for (size_t i = 0; i < gates.size(); ++i) {
    expect_relative(out[i], reference::silu(gates[i]), 4, gates[i]);
  }
  cpu::kernels().gelu_tanh_mul(gates.data(), ones.data(), gates.size(), out.data());
  for (size_t i = 0; i < gates.size(); ++i) {
    // 1 + tanh cancels left of zero: what remains is absolute in x.
    const double tolerance = 16 * reference::kEpsilon * std::abs(gates[i]);
    ASSERT_NEAR(out[i], reference::gelu_tanh(gates[i]), tolerance) << "at " << gates[i];
  }
}

TEST_P(KernelMathTest, TanhIsWithinThreeUlp) {
  std::vector<float> sums = sweep(1e-7f, 40.0f, 9973);
  for (const float value : sweep(-1e-7f, -40.0f, 9973)) {
    sums.push_back(value);
  }
  sums.resize(sums.size() / 16 * 16);
  std::vector<float> out(sums.size(), NAN);
  cpu::kernels().store({
      .sums = sums.data(),
      .ld_sums = static_cast<int64_t>(sums.size()),
      .out = out.data(),
      .ld_out = static_cast<int64_t>(sums.size()),
      .num_rows = 1,
      .num_columns = static_cast<int64_t>(sums.size()),
      .softcap = 1.0f,
  });
  for (size_t i = 0; i < sums.size(); ++i) {
    expect_relative(out[i], std::tanh(static_cast<double>(sums[i])), 3, sums[i]);
  }
}

TEST_P(KernelMathTest, ExtremesBecomeZeroOneAndInfinityAsTheyShould) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const std::vector<float> gates = {-kInfinity, -1e30f, -200.0f, 0.0f, 200.0f, 1e30f, NAN};
  const std::vector<float> ones(gates.size(), 1.0f);
  std::vector<float> out(gates.size(), 5.0f);
  cpu::kernels().silu_mul(gates.data(), ones.data(), gates.size(), out.data());
  EXPECT_EQ(out[1], 0.0f);
  EXPECT_EQ(out[2], 0.0f);
  EXPECT_EQ(out[3], 0.0f);
  EXPECT_EQ(out[4], 200.0f);
  EXPECT_EQ(out[5], 1e30f);
  EXPECT_TRUE(std::isnan(out[6]));
  const std::vector<float> logits = {0.0f, -104.5f, -kInfinity, -90.0f};
  std::vector<float> probs(logits.size(), 5.0f);
  cpu::kernels().weigh(logits.data(), logits.size(), {.max = 0.0f}, probs.data());
  EXPECT_EQ(probs[0], 1.0f);
  EXPECT_EQ(probs[1], 0.0f);
  EXPECT_EQ(probs[2], 0.0f);
  EXPECT_NEAR(probs[3], std::exp(-90.0), 0x1p-149);  // subnormal
}

}  // namespace
}  // namespace quire
