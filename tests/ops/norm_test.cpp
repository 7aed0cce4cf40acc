#include "ops/norm.h"

#include <cmath>

#include "op_test.h"

namespace quire {
namespace {

// The squares of a row are summed in at most K steps, the rest is a handful of roundings.
double norm_tolerance(int64_t size) {
  return (static_cast<double>(size) / 2 + 8) * reference::kEpsilon;
}

class NormTest : public OpTest {};
QUIRE_OP_TEST(NormTest);

TEST_P(NormTest, EqualsTheReferenceForEveryLength) {
  for (const int64_t size : {1, 3, 8, 15, 16, 17, 63, 64, 100, 768, 2049}) {
    const OwnedTensor x = random_tensor(DType::kFloat32, 7, size, 1);
    const OwnedTensor weight = random_tensor(DType::kFloat32, 1, size, 2);
    const OwnedTensor out = poisoned_tensor(7, size);
    ops::rms_norm(stream_, x.tensor, weight.tensor.view({size}), 1e-5f, out.tensor);
    const reference::Matrix expected =
        reference::rms_norm(reference::Matrix(x.tensor), to_vector(weight.tensor), 1e-5f);
    for (size_t i = 0; i < expected.values.size(); ++i) {
      const double value = expected.values[i];
      ASSERT_NEAR(
          out.tensor.data<float>()[i], value, norm_tolerance(size) * std::abs(value) + 1e-30
      ) << "size "
        << size;
    }
  }
}

TEST_P(NormTest, WorksInPlaceAndAlikeForOneRowAndMany) {
  constexpr int64_t kSize = 515;
  const OwnedTensor x = random_tensor(DType::kFloat32, 40, kSize, 3);
  const OwnedTensor weight = random_tensor(DType::kFloat32, 1, kSize, 4);
  const Tensor norm_weight = weight.tensor.view({kSize});
  const OwnedTensor out = poisoned_tensor(40, kSize);
  for (int64_t row = 0; row < 40; ++row) {
    const Tensor out_row = out.tensor.rows(row, 1);
    ops::rms_norm(stream_, x.tensor.rows(row, 1), norm_weight, 1e-6f, out_row);
  }
  ops::rms_norm(stream_, x.tensor, norm_weight, 1e-6f, x.tensor);
  EXPECT_TRUE(is_bitwise_equal(x.tensor.data<float>(), out.tensor.data<float>(), 40 * kSize));
}

TEST_P(NormTest, AddsTheNormToTheResidual) {
  for (const int64_t size : {5, 16, 100}) {
    const OwnedTensor x = random_tensor(DType::kFloat32, 3, size, 5);
    const OwnedTensor weight = random_tensor(DType::kFloat32, 1, size, 6);
    const OwnedTensor residual = random_tensor(DType::kFloat32, 3, size, 7);
    const reference::Matrix before(residual.tensor);
    ops::rms_norm_add(stream_, x.tensor, weight.tensor.view({size}), 1e-5f, residual.tensor);
    const reference::Matrix normed =
        reference::rms_norm(reference::Matrix(x.tensor), to_vector(weight.tensor), 1e-5f);
    for (size_t i = 0; i < normed.values.size(); ++i) {
      const double expected = before.values[i] + normed.values[i];
      const double tolerance = norm_tolerance(size) * std::abs(normed.values[i]) +
                               2 * reference::kEpsilon * std::abs(expected);
      ASSERT_NEAR(residual.tensor.data<float>()[i], expected, tolerance);
    }
  }
}

TEST_P(NormTest, AcceptsZeroRowsAndRefusesAnotherShape) {
  const OwnedTensor x = random_tensor(DType::kFloat32, 2, 16, 8);
  const OwnedTensor weight = random_tensor(DType::kFloat32, 1, 16, 9);
  const Tensor none = x.tensor.rows(0, 0);
  EXPECT_NO_THROW(ops::rms_norm(stream_, none, weight.tensor.view({16}), 1e-5f, none));
  const OwnedTensor narrow = random_tensor(DType::kFloat32, 2, 15, 10);
  EXPECT_THROW(
      ops::rms_norm(stream_, x.tensor, weight.tensor.view({16}), 1e-5f, narrow.tensor),
      InternalError
  );
}

}  // namespace
}  // namespace quire
