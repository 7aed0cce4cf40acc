#include "weights/weight_source.h"

#include <algorithm>
#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "quire/error.h"
#include "support/safetensors_writer.h"
#include "support/temp_dir.h"
#include "support/test_paths.h"
#include "tensor/half.h"
#include "weights/weight_scope.h"

namespace quire {
namespace {

using test::bytes_of;
using test::safetensors_file;
using test::TempDir;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

template <class Error, class Action>
std::string error_of(Action action) {
  try {
    action();
    return "";
  } catch (const Error& error) {
    return error.what();
  }
}

std::vector<float> values_of(const Tensor& tensor) {
  return {tensor.data<float>(), tensor.data<float>() + tensor.num_elements()};
}

std::string open_error(const TempDir& dir) {
  return error_of<InvalidArgument>([&] { WeightSource::open_safetensors(dir.path()); });
}

// Two small matrices and a norm.
TempDir& write_model(TempDir& dir) {
  dir.write(
      "model.safetensors",
      safetensors_file(
          {{"layers.0.up.weight", "F32", {2, 2}, bytes_of<float>({1, 2, 3, 4})},
           {"layers.0.up.bias", "F32", {2}, bytes_of<float>({5, 6})},
           {"norm.weight", "BF16", {2}, bytes_of<uint16_t>({0x3F80, 0x4000})}}
      )
  );
  return dir;
}

TEST(WeightSourceTest, ATensorViewsTheFile) {
  TempDir dir;
  WeightSource source = WeightSource::open_safetensors(write_model(dir).path());
  const Tensor weight = source.take("layers.0.up.weight", {2, 2});
  EXPECT_EQ(weight.shape_string(), "[2, 2]");
  EXPECT_THAT(values_of(weight), ElementsAre(1, 2, 3, 4));
  const Tensor norm = source.take("norm.weight", {2});
  EXPECT_EQ(norm.dtype(), DType::kBFloat16);
  EXPECT_EQ(to_float(norm.data<BFloat16>()[1]), 2.0f);
  // Still readable when the pages have been given back.
  source.drop_pages();
  EXPECT_EQ(weight.data<float>()[3], 4.0f);
}

TEST(WeightSourceTest, AMissingTensorIsNamed) {
  TempDir dir;
  WeightSource source = WeightSource::open_safetensors(write_model(dir).path());
  const WeightScope scope(source);
  EXPECT_THAT(
      error_of<InvalidArgument>([&] {
        (scope / "layers" / 1 / "up").take("weight", {2, 2});
      }),
      AllOf(HasSubstr("layers.1.up.weight"), HasSubstr("[2, 2]"))
  );
}

TEST(WeightSourceTest, AWrongShapeIsNamedWithBoth) {
  TempDir dir;
  WeightSource source = WeightSource::open_safetensors(write_model(dir).path());
  EXPECT_EQ(
      error_of<InvalidArgument>([&] {
        source.take("layers.0.up.weight", {4, 2});
      }),
      "tensor layers.0.up.weight has shape [2, 2] in the checkpoint, config.json asks for [4, 2]"
  );
  EXPECT_THAT(
      error_of<InvalidArgument>([&] { source.take("layers.0.up.weight", {4}); }), HasSubstr("[4]")
  );
}

TEST(WeightSourceTest, WhatNobodyTakesIsReported) {
  TempDir dir;
  WeightSource source = WeightSource::open_safetensors(write_model(dir).path());
  const WeightScope scope(source);
  scope.take("norm.weight", {2});
  EXPECT_THAT(source.leftover(), ElementsAre("layers.0.up.bias", "layers.0.up.weight"));
  EXPECT_THAT(
      error_of<InvalidArgument>([&] { scope.finish(); }),
      AllOf(HasSubstr("2 tensor(s)"), HasSubstr("layers.0.up.bias, layers.0.up.weight;"))
  );
  const WeightScope up = scope / "layers" / 0 / "up";
  up.take("weight", {2, 2});
  up.ignore("bias");
  up.ignore("never_there");
  EXPECT_NO_THROW(scope.finish());
}

TEST(WeightSourceTest, OnlyTenLeftoversAreListed) {
  std::vector<test::WrittenTensor> tensors;
  for (int i = 10; i < 23; ++i)
    tensors.push_back({fmt::format("t{}", i), "U8", {1}, "x"});
  TempDir dir;
  dir.write("model.safetensors", safetensors_file(tensors));
  WeightSource source = WeightSource::open_safetensors(dir.path());
  EXPECT_THAT(
      error_of<InvalidArgument>([&] { WeightScope(source).finish(); }),
      AllOf(HasSubstr("13 tensor(s)"), HasSubstr("t19 and 3 more"), Not(HasSubstr("t20")))
  );
}

TEST(WeightSourceTest, ProgressReachesTheWholeAndCountsNothingTwice) {
  TempDir dir;
  WeightSource source = WeightSource::open_safetensors(write_model(dir).path());
  std::vector<int64_t> done;
  source.on_progress([&](int64_t taken, int64_t all) {
    EXPECT_EQ(all, source.num_bytes());
    done.push_back(taken);
  });
  source.take("layers.0.up.weight", {2, 2});
  source.take("layers.0.up.weight", {2, 2});
  source.take("layers.0.up.bias", {2});
  source.take("norm.weight", {2});
  EXPECT_THAT(done, ElementsAre(16, 24, 28));
  EXPECT_EQ(source.num_bytes(), 28);
}

TEST(WeightSourceTest, AnUnalignedTensorIsCopied) {
  TempDir dir;
  dir.write(
      "model.safetensors",
      safetensors_file({{"odd", "U8", {1}, "x"}, {"w", "F32", {2}, bytes_of<float>({7, 8})}})
  );
  WeightSource source = WeightSource::open_safetensors(dir.path());
  const Tensor weight = source.take("w", {2});
  EXPECT_EQ(reinterpret_cast<uintptr_t>(weight.raw()) % alignof(float), 0u);
  EXPECT_THAT(values_of(weight), ElementsAre(7, 8));
}

TEST(WeightSourceTest, ShardsOfAnIndexAreOneCheckpoint) {
  WeightSource source = WeightSource::open_safetensors(test::test_data_dir() / "models/mistral");
  EXPECT_EQ(source.num_bytes(), 90560);  // total_size of the index
  EXPECT_TRUE(source.has("model.layers.0.self_attn.q_proj.weight"));
  EXPECT_TRUE(source.has("lm_head.weight"));
  EXPECT_EQ(source.leftover().size(), 30u);
}

TEST(WeightSourceTest, AnIndexThatLiesIsRefused) {
  const auto index = [](std::string_view map) {
    return fmt::format(R"({{"weight_map":{}}})", map);
  };
  TempDir dir;
  dir.write("a.safetensors", safetensors_file({{"x", "U8", {1}, "x"}}));
  dir.write("b.safetensors", safetensors_file({{"x", "U8", {1}, "x"}}));
  const auto error_with = [&](const std::string& text) {
    dir.write("model.safetensors.index.json", text);
    return open_error(dir);
  };
  EXPECT_EQ(error_with(index(R"({"x":"a.safetensors"})")), "");
  EXPECT_THAT(error_with(index(R"({"y":"a.safetensors"})")), HasSubstr("tensor y is not in it"));
  EXPECT_THAT(error_with(index(R"({"x":"../a.safetensors"})")), HasSubstr("tensor x no file name"));
  EXPECT_THAT(error_with(index(R"({"x":3})")), HasSubstr("tensor x no file name"));
  EXPECT_THAT(
      error_with(index(R"({"x":"a.safetensors","x":"a.safetensors"})")), HasSubstr("x twice")
  );
  EXPECT_THAT(
      error_with(index(R"({"x":"a.safetensors","y":"b.safetensors"})")),
      HasSubstr("tensor x is in another file too")
  );
  EXPECT_THAT(error_with(index("{}")), HasSubstr("weight_map is empty"));
  EXPECT_THAT(error_with("{}"), HasSubstr("no object weight_map"));
  EXPECT_THAT(error_with("nonsense"), HasSubstr("no valid JSON"));
}

TEST(WeightSourceTest, AMissingFileIsAnEnvironmentErrorThatNamesIt) {
  TempDir dir;
  const auto open = [&] { WeightSource::open_safetensors(dir.path()); };
  EXPECT_THAT(
      error_of<EnvironmentError>(open), HasSubstr("neither model.safetensors nor model.safetensors")
  );
  dir.write("pytorch_model.bin", "");
  EXPECT_THAT(error_of<EnvironmentError>(open), HasSubstr("must be converted to safetensors"));
  dir.write("model.safetensors.index.json", R"({"weight_map":{"x":"gone.safetensors"}})");
  EXPECT_THAT(error_of<EnvironmentError>(open), HasSubstr("gone.safetensors"));
}

TEST(DummyWeightsTest, ValuesDependOnNameAndSeedOnly) {
  const auto values = [](uint64_t seed, const char* name) {
    WeightSource source = WeightSource::dummy(DType::kFloat32, seed);
    source.take("another", {3});
    return values_of(source.take(name, {32, 48}));
  };
  EXPECT_EQ(values(1, "w"), values(1, "w"));
  EXPECT_NE(values(1, "w"), values(2, "w"));
  EXPECT_NE(values(1, "w"), values(1, "v"));
}

TEST(DummyWeightsTest, MatricesKeepTheSizeOfActivationsAndNormsAreNearOne) {
  WeightSource source = WeightSource::dummy(DType::kFloat32, 0);
  constexpr int kSize = 64 * 256;
  const Tensor matrix = source.take("model.layers.0.mlp.up_proj.weight", {64, 256});
  double sum = 0;
  double squares = 0;
  for (int i = 0; i < kSize; ++i) {
    sum += matrix.data<float>()[i];
    squares += std::pow(matrix.data<float>()[i], 2);
  }
  // Standard deviation of a mean of kSize values, and of their squares, five times.
  const double deviation = 1.0 / std::sqrt(256.0);
  EXPECT_LT(std::abs(sum / kSize), 5 * deviation / std::sqrt(kSize));
  EXPECT_NEAR(squares / kSize, deviation * deviation, 5 * deviation * deviation / std::sqrt(kSize));
  const Tensor norm = source.take("model.layers.0.input_layernorm.weight", {256});
  for (int i = 0; i < 256; ++i)
    EXPECT_NEAR(norm.data<float>()[i], 1.0, 0.1);
  EXPECT_TRUE(source.leftover().empty());
}

TEST(DummyWeightsTest, TheyComeInTheDtypeAskedFor) {
  WeightSource narrow = WeightSource::dummy(DType::kBFloat16, 3);
  WeightSource wide = WeightSource::dummy(DType::kFloat32, 3);
  const Tensor rounded = narrow.take("w", {8, 8});
  const Tensor exact = wide.take("w", {8, 8});
  ASSERT_EQ(rounded.dtype(), DType::kBFloat16);
  for (int i = 0; i < 64; ++i) {
    EXPECT_EQ(rounded.data<BFloat16>()[i].bits, to_bfloat16(exact.data<float>()[i]).bits);
  }
}

}  // namespace
}  // namespace quire
