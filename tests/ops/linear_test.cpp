#include "ops/linear.h"

#include <algorithm>
#include <cmath>

#include "op_test.h"

namespace quire {
namespace {

struct Shape {
  int64_t m;
  int64_t n;
  int64_t k;
};

// Alone, the row counts of every tile, one more than a block of rows; sizes off every multiple.
const std::vector<Shape> kShapes = {
    {1, 16, 16},
    {1, 1, 1},
    {1, 300, 77},
    {2, 129, 64},
    {3, 48, 40},
    {4, 161, 172},
    {5, 33, 96},
    {6, 64, 31},
    {7, 80, 130},
    {8, 17, 256},
    {9, 50, 20},
    {10, 40, 1100},
    {11, 100, 8},
    {12, 32, 1025},
    {13, 272, 513},
    {24, 48, 700},
    {97, 272, 100},
    {200, 20, 515},
};

class LinearTest : public OpTest {
 protected:
  // out against x · Wᵀ in float64. A chain of K products rounds K times; what the prologue rounds
  // comes on top as `input_error`, in units of epsilon.
  void expect_close(
      const Tensor& out,
      const reference::Matrix& input,
      const reference::Matrix& weight,
      double input_error = 0
  ) {
    const reference::Matrix expected = reference::linear(input, weight);
    const reference::Matrix magnitude = reference::linear_magnitude(input, weight);
    const double factor =
        (static_cast<double>(input.num_columns) + 2 + input_error) * reference::kEpsilon;
    const reference::Matrix actual(out);
    for (size_t i = 0; i < expected.values.size(); ++i) {
      ASSERT_NEAR(actual.values[i], expected.values[i], factor * magnitude.values[i] + 1e-30)
          << "row " << i / expected.num_columns << " column " << i % expected.num_columns;
    }
  }
};
QUIRE_OP_TEST(LinearTest);

TEST_P(LinearTest, EqualsTheReferenceForEveryShapeAndDtype) {
  for (const DType dtype : {DType::kFloat32, DType::kBFloat16}) {
    for (const Shape& shape : kShapes) {
      SCOPED_TRACE(
          testing::Message() << dtype_name(dtype) << " M=" << shape.m << " N=" << shape.n
                             << " K=" << shape.k
      );
      const OwnedTensor x = random_tensor(DType::kFloat32, shape.m, shape.k, 1);
      const OwnedTensor weight = random_tensor(dtype, shape.n, shape.k, 2);
      const PackedWeight packed = ops::pack_linear({&weight.tensor, 1}, dtype, stream_);
      const OwnedTensor out = poisoned_tensor(shape.m, shape.n);
      ops::linear(stream_, x.tensor, packed, {}, out.tensor);
      expect_close(out.tensor, reference::Matrix(x.tensor), reference::Matrix(weight.tensor));
    }
  }
}

TEST_P(LinearTest, NormalisesInThePrologue) {
  for (const Shape& shape : kShapes) {
    SCOPED_TRACE(testing::Message() << "M=" << shape.m << " K=" << shape.k);
    const OwnedTensor x = random_tensor(DType::kFloat32, shape.m, shape.k, 3);
    const OwnedTensor weight = random_tensor(DType::kBFloat16, shape.n, shape.k, 4);
    const OwnedTensor norm = random_tensor(DType::kFloat32, 1, shape.k, 5);
    const PackedWeight packed = ops::pack_linear({&weight.tensor, 1}, DType::kBFloat16, stream_);
    const OwnedTensor out = poisoned_tensor(shape.m, shape.n);
    LinearOptions options;
    options.prologue = LinearPrologue::kRmsNorm;
    options.norm_weight = norm.tensor.view({shape.k});
    options.norm_eps = 1e-5f;
    ops::linear(stream_, x.tensor, packed, options, out.tensor);
    const reference::Matrix input =
        reference::rms_norm(reference::Matrix(x.tensor), to_vector(norm.tensor), 1e-5f);
    expect_close(out.tensor, input, reference::Matrix(weight.tensor), shape.k / 2.0 + 8);
  }
}

TEST_P(LinearTest, AppliesTheGatedActivationInThePrologue) {
  const auto run = [&](LinearPrologue prologue, double (*activation)(double)) {
    for (const Shape& shape : kShapes) {
      SCOPED_TRACE(testing::Message() << "M=" << shape.m << " K=" << shape.k);
      const OwnedTensor x = random_tensor(DType::kFloat32, shape.m, 2 * shape.k, 6);
      const OwnedTensor weight = random_tensor(DType::kFloat32, shape.n, shape.k, 7);
      const PackedWeight packed = ops::pack_linear({&weight.tensor, 1}, DType::kFloat32, stream_);
      const OwnedTensor out = poisoned_tensor(shape.m, shape.n);
      LinearOptions options;
      options.prologue = prologue;
      ops::linear(stream_, x.tensor, packed, options, out.tensor);
      const reference::Matrix input = reference::gated(reference::Matrix(x.tensor), activation);
      expect_close(out.tensor, input, reference::Matrix(weight.tensor), 16);
    }
  };
  run(LinearPrologue::kSiluMul, reference::silu);
  run(LinearPrologue::kGeluTanhMul, reference::gelu_tanh);
}

TEST_P(LinearTest, AddsBiasCapsAndAccumulatesInThisOrder) {
  const Shape shape{5, 37, 24};
  const OwnedTensor x = random_tensor(DType::kFloat32, shape.m, shape.k, 8);
  const OwnedTensor weight = random_tensor(DType::kFloat32, shape.n, shape.k, 9);
  const OwnedTensor bias = random_tensor(DType::kFloat32, 1, shape.n, 10);
  const OwnedTensor out = random_tensor(DType::kFloat32, shape.m, shape.n, 11);
  const reference::Matrix residual(out.tensor);
  const PackedWeight packed = ops::pack_linear({&weight.tensor, 1}, DType::kFloat32, stream_);
  LinearOptions options;
  options.bias = bias.tensor.view({shape.n});
  options.softcap = 1.5f;
  options.accumulate = true;
  ops::linear(stream_, x.tensor, packed, options, out.tensor);
  const reference::Matrix sums =
      reference::linear(reference::Matrix(x.tensor), reference::Matrix(weight.tensor));
  for (int64_t row = 0; row < shape.m; ++row) {
    for (int64_t n = 0; n < shape.n; ++n) {
      const double capped = 1.5 * std::tanh((sums.at(row, n) + bias.tensor.data<float>()[n]) / 1.5);
      const float actual = out.tensor.data<float>()[row * shape.n + n];
      ASSERT_NEAR(actual, residual.at(row, n) + capped, 64 * shape.k * reference::kEpsilon);
    }
  }
}

TEST_P(LinearTest, GivesARowTheSameBitsAloneAndInEveryBatch) {
  constexpr int64_t kRows = 130;
  for (const DType dtype : {DType::kFloat32, DType::kBFloat16}) {
    for (const LinearPrologue prologue :
         {LinearPrologue::kNone, LinearPrologue::kRmsNorm, LinearPrologue::kSiluMul}) {
      const int64_t k = 1031;
      const int64_t n = 144;
      const int64_t width = prologue == LinearPrologue::kSiluMul ? 2 * k : k;
      const OwnedTensor x = random_tensor(DType::kFloat32, kRows, width, 12);
      const OwnedTensor weight = random_tensor(dtype, n, k, 13);
      const OwnedTensor norm = random_tensor(DType::kFloat32, 1, k, 14);
      const PackedWeight packed = ops::pack_linear({&weight.tensor, 1}, dtype, stream_);
      LinearOptions options;
      options.prologue = prologue;
      options.norm_weight = norm.tensor.view({k});
      options.norm_eps = 1e-6f;
      const OwnedTensor alone = poisoned_tensor(kRows, n);
      for (int64_t row = 0; row < kRows; ++row) {
        ops::linear(stream_, x.tensor.rows(row, 1), packed, options, alone.tensor.rows(row, 1));
      }
      for (const int num_threads : {1, 2, 3}) {
        ThreadPool pool(num_threads);
        for (const int64_t batch : {2, 3, 4, 7, 12, 13, 64, 97, 130}) {
          const OwnedTensor out = poisoned_tensor(kRows, n);
          for (int64_t row = 0; row < kRows; row += batch) {
            const int64_t count = std::min(batch, kRows - row);
            const Tensor part = out.tensor.rows(row, count);
            ops::linear(Stream::cpu(pool), x.tensor.rows(row, count), packed, options, part);
          }
          ASSERT_TRUE(
              is_bitwise_equal(out.tensor.data<float>(), alone.tensor.data<float>(), kRows * n)
          ) << "batch "
            << batch << " threads " << num_threads << " " << dtype_name(dtype);
        }
      }
    }
  }
}

TEST_P(LinearTest, ReadsAndWritesStridedRowsOnly) {
  const OwnedTensor wide_x = random_tensor(DType::kFloat32, 3, 50, 15);
  const OwnedTensor weight = random_tensor(DType::kFloat32, 20, 33, 16);
  const PackedWeight packed = ops::pack_linear({&weight.tensor, 1}, DType::kFloat32, stream_);
  const OwnedTensor wide_out = poisoned_tensor(3, 64);
  const Tensor x = wide_x.tensor.columns(5, 33);
  ops::linear(stream_, x, packed, {}, wide_out.tensor.columns(7, 20));
  expect_close(
      wide_out.tensor.columns(7, 20), reference::Matrix(x), reference::Matrix(weight.tensor)
  );
  for (int64_t row = 0; row < 3; ++row) {
    for (int64_t column = 0; column < 64; ++column) {
      const bool is_inside = column >= 7 && column < 27;
      EXPECT_NE(std::isnan(wide_out.tensor.data<float>()[row * 64 + column]), is_inside);
    }
  }
}

TEST_P(LinearTest, AcceptsZeroRows) {
  const OwnedTensor weight = random_tensor(DType::kFloat32, 20, 33, 17);
  const PackedWeight packed = ops::pack_linear({&weight.tensor, 1}, DType::kFloat32, stream_);
  const OwnedTensor x = random_tensor(DType::kFloat32, 1, 33, 18);
  const OwnedTensor out = poisoned_tensor(1, 20);
  ops::linear(stream_, x.tensor.rows(0, 0), packed, {}, out.tensor.rows(0, 0));
  for (const float value : to_vector(out.tensor)) {
    EXPECT_TRUE(std::isnan(value));
  }
}

TEST_P(LinearTest, KeepsAnInfiniteRowToItself) {
  const OwnedTensor weight = random_tensor(DType::kBFloat16, 40, 65, 19);
  const PackedWeight packed = ops::pack_linear({&weight.tensor, 1}, DType::kBFloat16, stream_);
  const OwnedTensor x = random_tensor(DType::kFloat32, 4, 65, 20);
  std::fill_n(x.tensor.data<float>() + 65, 65, std::numeric_limits<float>::infinity());
  const OwnedTensor out = poisoned_tensor(4, 40);
  ops::linear(stream_, x.tensor, packed, {}, out.tensor);
  for (const int64_t row : {0, 2, 3}) {
    const Tensor x_row = x.tensor.rows(row, 1);
    expect_close(
        out.tensor.rows(row, 1), reference::Matrix(x_row), reference::Matrix(weight.tensor)
    );
  }
}

TEST(PackLinear, JoinsPartsOfEveryDtypeIntoOneWeight) {
  ThreadPool pool(2);
  const Stream stream = Stream::cpu(pool);
  const OwnedTensor first = random_tensor(DType::kFloat32, 5, 9, 21);
  const OwnedTensor second = random_tensor(DType::kBFloat16, 30, 9, 22);
  OwnedTensor third(DType::kFloat16, 2, 9);
  for (int64_t i = 0; i < 18; ++i) {
    third.tensor.data<uint16_t>()[i] = static_cast<uint16_t>(0x3C00 + i);  // from 1 upwards
  }
  const Tensor parts[] = {first.tensor, second.tensor, third.tensor};
  const PackedWeight packed = ops::pack_linear(parts, DType::kFloat32, stream);
  EXPECT_EQ(packed.out_features, 37);
  EXPECT_EQ(packed.in_features, 9);
  // The unit vectors read the columns back.
  OwnedTensor units(DType::kFloat32, 9, 9);
  for (int64_t i = 0; i < 9; ++i) {
    units.tensor.data<float>()[i * 9 + i] = 1.0f;
  }
  const OwnedTensor out = poisoned_tensor(9, 37);
  ops::linear(stream, units.tensor, packed, {}, out.tensor);
  int64_t row = 0;
  for (const Tensor& part : parts) {
    const reference::Matrix values(part);
    for (int64_t i = 0; i < values.num_rows; ++i, ++row) {
      for (int64_t k = 0; k < 9; ++k) {
        EXPECT_EQ(out.tensor.data<float>()[k * 37 + row], values.at(i, k));
      }
    }
  }
}

TEST(PackLinear, RoundsToTheNearestBfloat16) {
  ThreadPool pool(1);
  const Stream stream = Stream::cpu(pool);
  OwnedTensor weight(DType::kFloat32, 1, 3);
  const float values[] = {1.0f + 0x1p-8f, 1.0f + 0x1p-8f + 0x1p-20f, -3.0f};  // a tie goes to even
  std::copy_n(values, 3, weight.tensor.data<float>());
  const PackedWeight packed = ops::pack_linear({&weight.tensor, 1}, DType::kBFloat16, stream);
  OwnedTensor units(DType::kFloat32, 3, 3);
  for (int64_t i = 0; i < 3; ++i) {
    units.tensor.data<float>()[i * 3 + i] = 1.0f;
  }
  const OwnedTensor out = poisoned_tensor(3, 1);
  ops::linear(stream, units.tensor, packed, {}, out.tensor);
  EXPECT_EQ(to_vector(out.tensor), (std::vector<float>{1.0f, 1.0f + 0x1p-7f, -3.0f}));
}

TEST(Linear, RefusesOperandsThatDoNotFit) {
  ThreadPool pool(1);
  const Stream stream = Stream::cpu(pool);
  const OwnedTensor weight = random_tensor(DType::kFloat32, 8, 16, 23);
  const PackedWeight packed = ops::pack_linear({&weight.tensor, 1}, DType::kFloat32, stream);
  const OwnedTensor x = random_tensor(DType::kFloat32, 2, 16, 24);
  const OwnedTensor out = poisoned_tensor(2, 8);
  LinearOptions gated;
  gated.prologue = LinearPrologue::kSiluMul;
  EXPECT_THROW(ops::linear(stream, x.tensor, packed, gated, out.tensor), InternalError);
  EXPECT_THROW(ops::linear(stream, x.tensor, packed, {}, x.tensor), InternalError);
  const OwnedTensor other = random_tensor(DType::kFloat32, 8, 15, 25);
  const Tensor parts[] = {weight.tensor, other.tensor};
  EXPECT_THROW((void)ops::pack_linear(parts, DType::kFloat32, stream), InternalError);
}

TEST(Linear, SaysThatThereIsNoCudaInThisBuild) {
  ThreadPool pool(1);
  const OwnedTensor weight = random_tensor(DType::kFloat32, 8, 16, 26);
  Stream stream = Stream::cpu(pool);
  stream.device.type = DeviceType::kCuda;
  EXPECT_THROW(
      (void)ops::pack_linear({&weight.tensor, 1}, DType::kFloat32, stream), EnvironmentError
  );
}

}  // namespace
}  // namespace quire
