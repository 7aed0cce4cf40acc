#include "tensor/tensor.h"

#include <vector>

#include <gtest/gtest.h>

namespace quire {
namespace {

TEST(Tensor, ViewsElementsRowByRow) {
  std::vector<float> values(24);
  const Tensor tensor(values.data(), DType::kFloat32, {2, 3, 4});
  EXPECT_EQ(tensor.ndim(), 3);
  EXPECT_EQ(tensor.size(0), 2);
  EXPECT_EQ(tensor.size(-1), 4);
  EXPECT_EQ(tensor.stride(0), 12);
  EXPECT_EQ(tensor.stride(-1), 1);
  EXPECT_EQ(tensor.num_elements(), 24);
  EXPECT_EQ(tensor.num_bytes(), 96);
  EXPECT_TRUE(tensor.is_contiguous());
  EXPECT_EQ(tensor.shape_string(), "[2, 3, 4]");
}

TEST(Tensor, IsUndefinedAndEmptyByDefault) {
  const Tensor tensor;
  EXPECT_FALSE(tensor.defined());
  EXPECT_EQ(tensor.num_elements(), 0);
  EXPECT_EQ(tensor.shape_string(), "[]");
}

TEST(Tensor, TakesRowsAndColumnsAsViewsOfTheSameMemory) {
  std::vector<float> values(20);
  const Tensor tensor(values.data(), DType::kFloat32, {4, 5});
  const Tensor rows = tensor.rows(1, 2);
  EXPECT_EQ(rows.data<float>(), values.data() + 5);
  EXPECT_EQ(rows.shape_string(), "[2, 5]");
  EXPECT_TRUE(rows.is_contiguous());
  const Tensor columns = tensor.columns(3, 2);
  EXPECT_EQ(columns.data<float>(), values.data() + 3);
  EXPECT_EQ(columns.stride(0), 5);
  EXPECT_FALSE(columns.is_contiguous());
  EXPECT_EQ(columns.rows(2, 1).data<float>(), values.data() + 13);
}

TEST(Tensor, CountsZeroRowsAsContiguousAndLegal) {
  std::vector<float> values(20);
  const Tensor none = Tensor(values.data(), DType::kFloat32, {4, 5}).rows(4, 0);
  EXPECT_EQ(none.num_elements(), 0);
  EXPECT_TRUE(none.is_contiguous());
  EXPECT_TRUE(none.columns(0, 2).is_contiguous());
}

TEST(Tensor, KeepsItsElementsInAnotherShape) {
  std::vector<float> values(12);
  const Tensor tensor(values.data(), DType::kFloat32, {3, 4});
  const Tensor view = tensor.view({2, 6});
  EXPECT_EQ(view.data<float>(), values.data());
  EXPECT_EQ(view.stride(0), 6);
  EXPECT_THROW((void)tensor.view({5, 2}), InternalError);
  EXPECT_THROW((void)tensor.columns(0, 2).view({6}), InternalError);
}

TEST(Tensor, RefusesRangesOutsideAndNegativeSizes) {
  std::vector<float> values(12);
  const Tensor tensor(values.data(), DType::kFloat32, {3, 4});
  EXPECT_THROW((void)tensor.rows(2, 2), InternalError);
  EXPECT_THROW((void)tensor.rows(-1, 1), InternalError);
  EXPECT_THROW((void)tensor.columns(4, 1), InternalError);
  EXPECT_THROW(Tensor(values.data(), DType::kFloat32, {-1, 4}), InternalError);
}

}  // namespace
}  // namespace quire
