#include "ops/embedding.h"

#include "op_test.h"

namespace quire {
namespace {

class EmbeddingTest : public OpTest {};
QUIRE_OP_TEST(EmbeddingTest);

TEST_P(EmbeddingTest, ScalesTheRowsOfTheTokens) {
  std::vector<int32_t> ids = {3, 0, 6, 3};
  const Tensor token_ids(ids.data(), DType::kInt32, {4});
  for (const DType dtype : {DType::kFloat32, DType::kBFloat16}) {
    for (const int64_t size : {1, 8, 16, 43}) {
      const OwnedTensor table = random_tensor(dtype, 7, size, 1);
      const reference::Matrix rows(table.tensor);
      const OwnedTensor out = poisoned_tensor(4, size);
      ops::embedding(stream_, token_ids, table.tensor, 1.5f, out.tensor);
      for (int64_t i = 0; i < 4 * size; ++i) {
        const double expected = 1.5 * rows.at(ids[i / size], i % size);
        ASSERT_EQ(out.tensor.data<float>()[i], static_cast<float>(expected));
      }
    }
  }
}

TEST_P(EmbeddingTest, GathersRowsOfAStridedMatrix) {
  constexpr int64_t kSize = 3000;  // enough for more than one thread
  std::vector<int32_t> indices = {4, 4, 1};
  const OwnedTensor wide = random_tensor(DType::kFloat32, 5, kSize + 10, 2);
  const OwnedTensor out = poisoned_tensor(3, kSize);
  const Tensor x = wide.tensor.columns(10, kSize);
  ops::gather_rows(stream_, x, Tensor(indices.data(), DType::kInt32, {3}), out.tensor);
  for (int64_t row = 0; row < 3; ++row) {
    const float* expected = wide.tensor.data<float>() + indices[row] * (kSize + 10) + 10;
    EXPECT_TRUE(is_bitwise_equal(out.tensor.data<float>() + row * kSize, expected, kSize));
  }
}

TEST_P(EmbeddingTest, AcceptsNoTokens) {
  const OwnedTensor table = random_tensor(DType::kBFloat16, 7, 8, 3);
  const OwnedTensor out = poisoned_tensor(1, 8);
  const Tensor none(nullptr, DType::kInt32, {0});
  EXPECT_NO_THROW(ops::embedding(stream_, none, table.tensor, 1.0f, out.tensor.rows(0, 0)));
  EXPECT_NO_THROW(ops::gather_rows(stream_, out.tensor, none, out.tensor.rows(0, 0)));
}

}  // namespace
}  // namespace quire
