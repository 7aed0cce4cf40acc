#include "ops/sampling.h"

#include <cmath>

#include "op_test.h"

namespace quire {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

class SamplingOpTest : public OpTest {
 protected:
  std::vector<int32_t> argmax(const Tensor& logits) {
    std::vector<int32_t> ids(logits.size(0), -1);
    ops::argmax(stream_, logits, Tensor(ids.data(), DType::kInt32, {logits.size(0)}));
    return ids;
  }
  int32_t argmax_of(std::vector<float> row) {
    return argmax(Tensor(row.data(), DType::kFloat32, {1, static_cast<int64_t>(row.size())}))[0];
  }
};
QUIRE_OP_TEST(SamplingOpTest);

TEST_P(SamplingOpTest, FindsTheLargestLogitWhereverItStands) {
  for (const int64_t size : {1, 2, 15, 16, 17, 511, 512, 513, 1100, 4096}) {
    const OwnedTensor logits = random_tensor(DType::kFloat32, 1, size, 1);
    for (int64_t best = 0; best < size; best += 1 + size / 37) {
      const float before = logits.tensor.data<float>()[best];
      logits.tensor.data<float>()[best] = 2.0f;
      ASSERT_EQ(argmax(logits.tensor)[0], best) << "of " << size;
      logits.tensor.data<float>()[best] = before;
    }
  }
}

TEST_P(SamplingOpTest, TakesTheFirstAmongEqualLogits) {
  std::vector<float> row(1200, -1.0f);
  EXPECT_EQ(argmax_of(row), 0);
  row[700] = row[701] = row[1199] = 3.0f;
  EXPECT_EQ(argmax_of(row), 700);
}

TEST_P(SamplingOpTest, PassesOverNanAndMinusInfinity) {
  EXPECT_EQ(argmax_of({kNan, -5.0f, kNan, -4.0f, kNan}), 3);
  EXPECT_EQ(argmax_of({-kInfinity, -kInfinity, -3e38f}), 2);
  EXPECT_EQ(argmax_of(std::vector<float>(40, -kInfinity)), 0);
  EXPECT_EQ(argmax_of(std::vector<float>(40, kNan)), 0);
  std::vector<float> row(1200, kNan);
  row[1100] = 1.0f;
  EXPECT_EQ(argmax_of(row), 1100);
}

// Each of V terms is rounded a few times and they are added in at most V / 4 steps.
TEST_P(SamplingOpTest, EqualsTheReferenceForSoftmaxAndItsLogarithm) {
  for (const int64_t size : {1, 7, 16, 100, 4096, 32000}) {
    const OwnedTensor logits = random_tensor(DType::kFloat32, 3, size, 2);
    for (int64_t i = 0; i < 3 * size; ++i) {
      logits.tensor.data<float>()[i] *= 20.0f;
    }
    const reference::Matrix expected = reference::log_softmax(reference::Matrix(logits.tensor));
    const double relative = (static_cast<double>(size) / 4 + 64) * reference::kEpsilon;
    const OwnedTensor log_probs = poisoned_tensor(3, size);
    const OwnedTensor probs = poisoned_tensor(3, size);
    ops::log_softmax(stream_, logits.tensor, log_probs.tensor);
    ops::softmax(stream_, logits.tensor, probs.tensor);
    for (int64_t i = 0; i < 3 * size; ++i) {
      const double value = expected.values[i];
      ASSERT_NEAR(log_probs.tensor.data<float>()[i], value, relative * (1 + std::abs(value)));
      const double prob = std::exp(value);
      ASSERT_NEAR(
          probs.tensor.data<float>()[i], prob, (relative + 40 * reference::kEpsilon) * prob
      );
    }
    ops::log_softmax(stream_, logits.tensor, logits.tensor);
    EXPECT_TRUE(
        is_bitwise_equal(logits.tensor.data<float>(), log_probs.tensor.data<float>(), 3 * size)
    ) << "in place";
  }
}

TEST_P(SamplingOpTest, GivesMaskedLogitsNoProbability) {
  std::vector<float> row(37, -kInfinity);
  row[5] = 1.0f;
  row[36] = 1.0f;
  const Tensor logits(row.data(), DType::kFloat32, {1, 37});
  const OwnedTensor out = poisoned_tensor(1, 37);
  ops::log_softmax(stream_, logits, out.tensor);
  EXPECT_NEAR(out.tensor.data<float>()[5], -std::log(2.0), 1e-6);
  EXPECT_EQ(out.tensor.data<float>()[6], -kInfinity);
  ops::softmax(stream_, logits, out.tensor);
  EXPECT_FLOAT_EQ(out.tensor.data<float>()[36], 0.5f);
  EXPECT_EQ(out.tensor.data<float>()[0], 0.0f);
}

TEST_P(SamplingOpTest, AcceptsZeroRows) {
  const OwnedTensor logits = random_tensor(DType::kFloat32, 1, 8, 3);
  EXPECT_TRUE(argmax(logits.tensor.rows(0, 0)).empty());
  EXPECT_NO_THROW(ops::softmax(stream_, logits.tensor.rows(0, 0), logits.tensor.rows(0, 0)));
}

}  // namespace
}  // namespace quire
