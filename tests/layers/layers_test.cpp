#include <cmath>
#include <optional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "layers/embedding.h"
#include "layers/gated_mlp.h"
#include "layers/linear.h"
#include "layers/lm_head.h"
#include "layers/norm.h"
#include "quire/error.h"
#include "support/safetensors_writer.h"
#include "support/temp_dir.h"
#include "tensor/half.h"

namespace quire {
namespace {

using test::bytes_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A checkpoint in a file and what a layer needs to load from it and to run. Values are small
// integers, so that float32 and bfloat16 are exact.
class LayerTest : public ::testing::Test {
 protected:
  LoadContext open(const std::vector<test::WrittenTensor>& tensors, DType dtype = DType::kFloat32) {
    dir_.write("model.safetensors", test::safetensors_file(tensors));
    source_.emplace(WeightSource::open_safetensors(dir_.path()));
    return {WeightScope(*source_), dtype, stream_};
  }

  static test::WrittenTensor floats(
      const std::string& name, std::vector<int64_t> shape, const std::vector<float>& values
  ) {
    return {name, "F32", std::move(shape), bytes_of(values)};
  }

  static std::vector<float> values_of(const Tensor& tensor) {
    return {tensor.data<float>(), tensor.data<float>() + tensor.num_elements()};
  }

  test::TempDir dir_;
  std::optional<WeightSource> source_;
  ThreadPool pool_{1};
  Stream stream_ = Stream::cpu(pool_);
  Arena arena_{1 << 16};
  ForwardContext ctx_{.stream = stream_, .arena = &arena_};
};

TEST_F(LayerTest, LinearAddsItsBiasAndJoinsTheResidual) {
  const LoadContext load =
      open({floats("up.weight", {2, 3}, {1, 2, 3, 4, 5, 6}), floats("up.bias", {2}, {10, 20})});
  const Linear linear(load / "up", 3, 2, true);
  std::vector<float> x{1, 1, 2};
  const LinearInput input{.x = Tensor(x.data(), DType::kFloat32, {1, 3})};
  EXPECT_THAT(values_of(linear.forward(input, ctx_)), ElementsAre(19, 41));
  std::vector<float> residual{100, 200};
  linear.add_to(Tensor(residual.data(), DType::kFloat32, {1, 2}), input, ctx_);
  EXPECT_THAT(residual, ElementsAre(119, 241));
  load.scope.finish();
}

TEST_F(LayerTest, AFusedLinearHasTheRowsOfItsPartsInOrder) {
  for (const DType dtype : {DType::kFloat32, DType::kBFloat16}) {
    const LoadContext load = open(
        {floats("attn.q.weight", {2, 2}, {1, 0, 0, 1}),
         floats("attn.k.weight", {1, 2}, {1, 1}),
         floats("attn.q.bias", {2}, {1, 2}),
         floats("attn.k.bias", {1}, {3})},
        dtype
    );
    const Linear linear = Linear::fused(load / "attn", {{"q", 2}, {"k", 1}}, 2, true);
    std::vector<float> x{5, 7, 1, 2};
    const LinearInput input{.x = Tensor(x.data(), DType::kFloat32, {2, 2})};
    EXPECT_THAT(values_of(linear.forward(input, ctx_)), ElementsAre(6, 9, 15, 2, 4, 6));
    load.scope.finish();
  }
}

TEST_F(LayerTest, APartOfAFusedLinearThatIsMissingIsNamed) {
  const LoadContext load = open({floats("attn.q.weight", {2, 2}, {1, 0, 0, 1})});
  EXPECT_THAT(
      [&] {
        Linear::fused(load / "attn", {{"q", 2}, {"k", 1}}, 2);
      },
      ::testing::ThrowsMessage<InvalidArgument>(HasSubstr("attn.k.weight"))
  );
}

TEST_F(LayerTest, ANormIsComputedOnTheWayIntoTheLinear) {
  const LoadContext load =
      open({floats("norm.weight", {2}, {1, 2}), floats("up.weight", {1, 2}, {1, 1})});
  const RmsNorm norm(load / "norm", 2, {.eps = 0.0});
  const Linear linear(load / "up", 2, 1);
  std::vector<float> x{7, -1};  // mean of squares 25
  const Tensor row(x.data(), DType::kFloat32, {1, 2});
  EXPECT_FLOAT_EQ(values_of(linear.forward(norm(row), ctx_))[0], 7.0f / 5 - 2.0f / 5);
}

TEST_F(LayerTest, ANormMayStoreItsWeightLessOne) {
  const LoadContext load = open({floats("norm.weight", {2}, {0, -0.5})});
  const RmsNorm norm(load / "norm", 2, {.eps = 0.0, .weight_offset = 1.0f});
  EXPECT_THAT(values_of(norm.weight()), ElementsAre(1.0f, 0.5f));
  std::vector<float> x{7, -1};
  std::vector<float> residual{1, 1};
  norm.add_to(
      Tensor(residual.data(), DType::kFloat32, {1, 2}),
      Tensor(x.data(), DType::kFloat32, {1, 2}),
      ctx_
  );
  EXPECT_FLOAT_EQ(residual[0], 1.0f + 7.0f / 5);
  EXPECT_FLOAT_EQ(residual[1], 1.0f - 0.5f / 5);
}

TEST_F(LayerTest, AnEmbeddingOfTheDtypeInUseIsReadInPlace) {
  const std::vector<uint16_t> table{0x3F80, 0x4000, 0x4040, 0x4080};  // 1, 2, 3, 4
  const LoadContext load =
      open({{"embed.weight", "BF16", {2, 2}, bytes_of(table)}}, DType::kBFloat16);
  const Embedding embedding(load / "embed", 2, 2, 2.0f);
  std::vector<int32_t> ids{1, 0, 1};
  const Tensor token_ids(ids.data(), DType::kInt32, {3});
  EXPECT_THAT(values_of(embedding.forward(token_ids, ctx_)), ElementsAre(6, 8, 2, 4, 6, 8));
}

TEST_F(LayerTest, AnEmbeddingOfAnotherDtypeIsConverted) {
  const std::vector<uint16_t> halves{0x3C00, 0x4000, 0x4200, 0x4400};  // 1, 2, 3, 4 in float16
  for (const DType dtype : {DType::kFloat32, DType::kBFloat16}) {
    const LoadContext load = open({{"embed.weight", "F16", {2, 2}, bytes_of(halves)}}, dtype);
    const Embedding embedding(load / "embed", 2, 2);
    std::vector<int32_t> ids{1};
    const Tensor token_ids(ids.data(), DType::kInt32, {1});
    EXPECT_THAT(values_of(embedding.forward(token_ids, ctx_)), ElementsAre(3, 4));
  }
}

TEST_F(LayerTest, TheHeadCapsItsLogits) {
  const LoadContext load = open({floats("weight", {2, 1}, {1, -100})});
  const LmHead head(load, 2, 1, 30.0);
  std::vector<float> x{3};
  const LinearInput input{.x = Tensor(x.data(), DType::kFloat32, {1, 1})};
  const std::vector<float> logits = values_of(head.forward(input, ctx_));
  EXPECT_NEAR(logits[0], 30.0 * std::tanh(0.1), 1e-5);
  EXPECT_NEAR(logits[1], 30.0 * std::tanh(-10.0), 1e-5);
}

TEST_F(LayerTest, AGatedMlpIsTheSameFusedOrNotInTheCheckpoint) {
  const std::vector<float> gate{1, 2};
  const std::vector<float> up{3, -4};
  const std::vector<float> down{1, 10};
  const LoadContext split = open(
      {floats("gate_proj.weight", {2, 1}, gate),
       floats("up_proj.weight", {2, 1}, up),
       floats("down_proj.weight", {1, 2}, down)}
  );
  const GatedMlp from_parts(split, 1, 2, {.activation = "silu"});
  const LoadContext fused = open(
      {floats("gate_up_proj.weight", {4, 1}, {1, 2, 3, -4}),
       floats("down_proj.weight", {1, 2}, down)}
  );
  const GatedMlp from_one(fused, 1, 2, {.activation = "swish", .is_fused_in_checkpoint = true});
  std::vector<float> x{1};
  const LinearInput input{.x = Tensor(x.data(), DType::kFloat32, {1, 1})};
  const auto silu = [](double value) { return value / (1.0 + std::exp(-value)); };
  const double expected = silu(1) * 3 + silu(2) * -4 * 10;
  EXPECT_NEAR(values_of(from_parts.forward(input, ctx_))[0], expected, 1e-4);
  EXPECT_EQ(values_of(from_parts.forward(input, ctx_)), values_of(from_one.forward(input, ctx_)));
}

TEST_F(LayerTest, AQuantizedWeightIsNamed) {
  const LoadContext load = open({{"up.weight", "I8", {1, 2}, "ab"}});
  EXPECT_THAT(
      [&] { Linear(load / "up", 2, 1); },
      ::testing::ThrowsMessage<InvalidArgument>(HasSubstr("tensor up.weight is int8"))
  );
}

}  // namespace
}  // namespace quire
