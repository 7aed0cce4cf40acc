#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/model_families.h"
#include "models/causal_lm.h"
#include "quire/error.h"
#include "support/logits_goldens.h"
#include "support/paged_model.h"
#include "support/safetensors_writer.h"
#include "support/temp_dir.h"
#include "support/test_paths.h"
#include "weights/safetensors.h"

namespace quire {
namespace {

using test::PagedModel;
using test::TempDir;
using test::WrittenTensor;
using ::testing::AllOf;
using ::testing::HasSubstr;

std::filesystem::path model_dir(const std::string& name) {
  return test::test_data_dir() / "models" / name;
}

std::string_view format_name(DType dtype) {
  switch (dtype) {
    case DType::kFloat32:
      return "F32";
    case DType::kBFloat16:
      return "BF16";
    case DType::kFloat16:
      return "F16";
    default:
      throw std::runtime_error("no such checkpoint in tests/data");
  }
}

// A checkpoint of tests/data in memory, to be broken and written to a folder of its own.
struct EditedCheckpoint {
  std::vector<WrittenTensor> tensors;
  std::string config;
  TempDir dir;

  explicit EditedCheckpoint(const std::string& name) {
    const SafetensorsFile file(model_dir(name) / "model.safetensors");
    for (const SafetensorsEntry& entry : file.entries()) {
      const auto* data = static_cast<const char*>(file.data(entry));
      tensors.push_back(
          {entry.name,
           std::string(format_name(entry.dtype)),
           entry.shape,
           std::string(data, entry.end - entry.begin)}
      );
    }
    std::ifstream stream(model_dir(name) / "config.json");
    config.assign(std::istreambuf_iterator<char>(stream), {});
  }

  WrittenTensor& tensor(const std::string& name) {
    return *std::ranges::find(tensors, name, &WrittenTensor::name);
  }

  const std::filesystem::path& write() {
    dir.write("model.safetensors", test::safetensors_file(tensors));
    dir.write("config.json", config);
    return dir.path();
  }

  std::string load_error() {
    try {
      PagedModel model(write());
      return "";
    } catch (const InvalidArgument& error) {
      return error.what();
    }
  }
};

test::Logits logits_of(const std::filesystem::path& dir, const std::string& golden) {
  PagedModel model(dir);
  return model.logits(test::load_logits_goldens(model_dir(golden)).back().prompt_ids);
}

TEST(RegistryTest, NamesAreUniqueAndThoseThatTheConfigurationKnows) {
  const std::vector<std::string> names = supported_architectures();
  EXPECT_EQ(std::set(names.begin(), names.end()).size(), names.size());
  std::vector<std::string> families;
  for (const ModelFamily& family : model_families())
    families.emplace_back(family.architecture);
  EXPECT_THAT(names, ::testing::UnorderedElementsAreArray(families));
}

TEST(LoadModelTest, AMissingTensorIsNamed) {
  EditedCheckpoint checkpoint("llama");
  std::erase_if(checkpoint.tensors, [](const WrittenTensor& tensor) {
    return tensor.name == "model.layers.1.mlp.up_proj.weight";
  });
  EXPECT_THAT(
      checkpoint.load_error(),
      AllOf(HasSubstr("no tensor model.layers.1.mlp.up_proj.weight"), HasSubstr("[72, 40]"))
  );
}

TEST(LoadModelTest, AWronglyShapedTensorIsNamed) {
  EditedCheckpoint checkpoint("llama");
  WrittenTensor& tensor = checkpoint.tensor("model.layers.2.self_attn.k_proj.weight");
  std::ranges::reverse(tensor.shape);
  EXPECT_EQ(
      checkpoint.load_error(),
      "tensor model.layers.2.self_attn.k_proj.weight has shape [40, 8] in the checkpoint, "
      "config.json asks for [8, 40]"
  );
}

TEST(LoadModelTest, ALeftoverTensorIsNamed) {
  EditedCheckpoint checkpoint("llama");
  checkpoint.tensors.push_back({"model.layers.0.mlp.router.weight", "F32", {1}, "abcd"});
  EXPECT_THAT(
      checkpoint.load_error(),
      AllOf(HasSubstr("1 tensor(s)"), HasSubstr("model.layers.0.mlp.router.weight"))
  );
}

TEST(LoadModelTest, AQuantizedTensorIsRefused) {
  EditedCheckpoint checkpoint("llama");
  WrittenTensor& norm = checkpoint.tensor("model.norm.weight");
  norm.dtype = "I8";
  norm.data.resize(norm.shape[0]);
  EXPECT_THAT(checkpoint.load_error(), HasSubstr("int8"));
}

TEST(LoadModelTest, AQuantizedMatrixIsRefused) {
  EditedCheckpoint checkpoint("llama");
  WrittenTensor& matrix = checkpoint.tensor("model.layers.0.mlp.up_proj.weight");
  matrix.dtype = "I8";
  matrix.data.resize(matrix.shape[0] * matrix.shape[1]);
  EXPECT_THAT(checkpoint.load_error(), HasSubstr("int8"));
}

TEST(LoadModelTest, StoredRotaryFrequenciesAreIgnored) {
  EditedCheckpoint checkpoint("llama");
  const std::string frequencies(4 * sizeof(float), '\0');
  checkpoint.tensors.push_back(
      {"model.layers.1.self_attn.rotary_emb.inv_freq", "F32", {4}, frequencies}
  );
  checkpoint.tensors.push_back({"model.rotary_emb.inv_freq", "F32", {4}, frequencies});
  EXPECT_EQ(logits_of(checkpoint.write(), "llama"), logits_of(model_dir("llama"), "llama"));
}

TEST(LoadModelTest, ATiedHeadThatIsWrittenOutIsIgnored) {
  EditedCheckpoint checkpoint("llama_bias");
  WrittenTensor head = checkpoint.tensor("model.embed_tokens.weight");
  head.name = "lm_head.weight";
  checkpoint.tensors.push_back(head);
  EXPECT_EQ(
      logits_of(checkpoint.write(), "llama_bias"), logits_of(model_dir("llama_bias"), "llama_bias")
  );
}

TEST(LoadModelTest, AnUntiedHeadThatIsMissingIsAnError) {
  EditedCheckpoint checkpoint("llama");
  std::erase_if(checkpoint.tensors, [](const WrittenTensor& tensor) {
    return tensor.name == "lm_head.weight";
  });
  EXPECT_THAT(checkpoint.load_error(), HasSubstr("no tensor lm_head.weight"));
}

TEST(LoadModelTest, ABareDecoderHasNoPrefix) {
  EditedCheckpoint checkpoint("llama_bias");
  constexpr std::string_view kPrefix = "model.";
  for (WrittenTensor& tensor : checkpoint.tensors) {
    ASSERT_TRUE(tensor.name.starts_with(kPrefix)) << tensor.name;
    tensor.name.erase(0, kPrefix.size());
  }
  EXPECT_EQ(
      logits_of(checkpoint.write(), "llama_bias"), logits_of(model_dir("llama_bias"), "llama_bias")
  );
}

TEST(LoadModelTest, AnUnknownActivationIsNamedWithTheKnownOnes) {
  EditedCheckpoint checkpoint("llama");
  checkpoint.config.replace(checkpoint.config.find("silu"), 4, "relu");
  EXPECT_THAT(
      checkpoint.load_error(),
      AllOf(HasSubstr("hidden_act 'relu'"), HasSubstr("silu"), HasSubstr("gelu_pytorch_tanh"))
  );
}

TEST(LoadModelTest, EachLayerSaysWhatItsCacheHolds) {
  const PagedModel model(model_dir("gemma2"), {.dtype = DType::kBFloat16});
  const std::vector<KVCacheSpec> specs = model.model().kv_cache_specs();
  ASSERT_EQ(specs.size(), 4u);
  for (size_t layer = 0; layer < specs.size(); ++layer) {
    EXPECT_EQ(specs[layer].num_kv_heads, 2);
    EXPECT_EQ(specs[layer].head_dim, 16);
    EXPECT_EQ(specs[layer].dtype, DType::kBFloat16);
    EXPECT_EQ(specs[layer].sliding_window, layer % 2 == 0 ? std::optional(8) : std::nullopt);
  }
}

// Every forward pass of PagedModel runs in an arena of exactly workspace_bytes().
TEST(LoadModelTest, TheWorkspaceGrowsWithTokensAndRows) {
  const PagedModel model(model_dir("gemma3"));
  const size_t base = model.model().workspace_bytes(16, 1);
  EXPECT_GT(model.model().workspace_bytes(32, 1), base);
  EXPECT_GT(model.model().workspace_bytes(16, 1000), base);
}

class DummyModelTest : public ::testing::TestWithParam<const char*> {};

// --load-format dummy.
TEST_P(DummyModelTest, AModelOfMadeUpWeightsRuns) {
  for (const DType dtype : {DType::kFloat32, DType::kBFloat16}) {
    PagedModel model(model_dir(GetParam()), {.dtype = dtype, .dummy_weights = true});
    const test::Logits logits = model.logits(std::vector<int32_t>{1, 2, 3, 4, 5});
    for (const std::vector<float>& row : logits) {
      EXPECT_TRUE(std::ranges::all_of(row, [](float logit) { return std::isfinite(logit); }));
      EXPECT_NE(row.front(), row.back());
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Families,
    DummyModelTest,
    ::testing::Values("llama", "mistral", "qwen2", "qwen3", "gemma2", "gemma3", "phi3")
);

}  // namespace
}  // namespace quire
