#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "backend/cpu_isa.h"
#include "support/logits_goldens.h"
#include "support/paged_model.h"
#include "support/test_paths.h"

// Small random checkpoints of every family against what Hugging Face transformers computes from
// them.
namespace quire {
namespace {

using test::Logits;
using test::LogitsGolden;
using test::PagedModel;

std::filesystem::path model_dir(const std::string& name) {
  return test::test_data_dir() / "models" / name;
}

float max_difference(const Logits& logits, const LogitsGolden& golden) {
  float difference = 0.0f;
  for (size_t i = 0; i < logits.size(); ++i) {
    for (int token = 0; token < golden.vocab_size; ++token) {
      difference = std::max(difference, std::abs(logits[i][token] - golden.row(i)[token]));
    }
  }
  return difference;
}

// Two float32 programs round every one of the 2 * layers + 2 sums of a logit differently: by eps
// times the square root of their length, relative to the largest logit.
float float32_tolerance(const ModelConfig& config, const LogitsGolden& golden) {
  constexpr float kEps = 0x1p-23f;
  const float longest = static_cast<float>(std::max(config.hidden_size, config.intermediate_size));
  const float num_sums = 2.0f * static_cast<float>(config.num_hidden_layers) + 2.0f;
  const float largest = std::abs(*std::ranges::max_element(golden.logits, {}, [](float logit) {
    return std::abs(logit);
  }));
  return kEps * std::sqrt(longest) * num_sums * largest;
}

class FamilyTest : public ::testing::TestWithParam<const char*> {
 protected:
  std::filesystem::path dir_ = model_dir(GetParam());
  std::vector<LogitsGolden> goldens_ = test::load_logits_goldens(dir_);

  void TearDown() override { cpu::select_isa(best_isa_); }

 private:
  cpu::IsaLevel best_isa_ = cpu::current_isa();
};

TEST_P(FamilyTest, LogitsInFloat32AreThoseOfTransformersOnEveryInstructionSet) {
  for (const auto isa : {cpu::IsaLevel::kGeneric, cpu::IsaLevel::kAvx2, cpu::IsaLevel::kAvx512}) {
    if (!cpu::is_isa_available(isa)) continue;
    cpu::select_isa(isa);
    PagedModel model(dir_);
    float largest = 0.0f;
    for (const LogitsGolden& golden : goldens_) {
      const Logits logits = model.logits(golden.prompt_ids);
      ASSERT_EQ(logits.size(), golden.prompt_ids.size());
      ASSERT_EQ(model.config().vocab_size, golden.vocab_size);
      const float tolerance = float32_tolerance(model.config(), golden);
      const float difference = max_difference(logits, golden);
      EXPECT_LE(difference, tolerance) << cpu::isa_name(isa);
      // Far below what the loss of any feature would move them by.
      EXPECT_LT(tolerance, 1e-3f);
      largest = std::max(largest, difference);
    }
    RecordProperty(std::string(cpu::isa_name(isa)), fmt::format("{:.1e}", largest));
  }
}

TEST_P(FamilyTest, GreedyIdsInFloat32AreThoseOfTransformers) {
  PagedModel model(dir_);
  for (const LogitsGolden& golden : goldens_) {
    const int num_tokens = static_cast<int>(golden.greedy_ids.size());
    EXPECT_EQ(model.greedy(golden.prompt_ids, num_tokens), golden.greedy_ids);
  }
}

// bfloat16 rounds weights and cache; activations stay float32, so less is lost than in
// transformers.
TEST_P(FamilyTest, LogitsInBFloat16LoseNoMoreThanTransformersLoses) {
  PagedModel model(dir_, {.dtype = DType::kBFloat16});
  float largest = 0.0f;
  for (const LogitsGolden& golden : goldens_) {
    const float difference = max_difference(model.logits(golden.prompt_ids), golden);
    largest = std::max(largest, difference);
    EXPECT_LE(difference, golden.bf16_error);
    EXPECT_GT(difference, float32_tolerance(model.config(), golden)) << "not in bfloat16 at all";
  }
  RecordProperty("bfloat16", fmt::format("{:.1e}", largest));
}

TEST_P(FamilyTest, ChunksGiveTheSameBitsAsTheWholePrompt) {
  for (const DType dtype : {DType::kFloat32, DType::kBFloat16}) {
    PagedModel model(dir_, {.dtype = dtype});
    const std::vector<int32_t>& prompt = goldens_.back().prompt_ids;
    const Logits whole = model.logits(prompt);
    EXPECT_EQ(model.num_passes(), 1u);
    for (const int chunk_size : {1, 7, 16}) {
      const size_t passes_before = model.num_passes();
      EXPECT_EQ(model.logits(prompt, chunk_size), whole) << chunk_size;
      EXPECT_GT(model.num_passes() - passes_before, 1u);
    }
  }
}

TEST_P(FamilyTest, ABatchGivesTheSameBitsAsEachPromptAlone) {
  for (const DType dtype : {DType::kFloat32, DType::kBFloat16}) {
    PagedModel model(dir_, {.dtype = dtype});
    std::vector<std::vector<int32_t>> prompts;
    for (const LogitsGolden& golden : goldens_)
      prompts.push_back(golden.prompt_ids);
    const std::vector<Logits> together = model.batch_logits(prompts);
    EXPECT_EQ(model.num_passes(), 1u);
    for (size_t i = 0; i < prompts.size(); ++i) {
      EXPECT_EQ(together[i], model.logits(prompts[i])) << "prompt " << i;
    }
  }
}

TEST_P(FamilyTest, OneThreadGivesTheSameBitsAsTwo) {
  PagedModel one(dir_, {.num_threads = 1});
  PagedModel two(dir_, {.num_threads = 2});
  const std::vector<int32_t>& prompt = goldens_.back().prompt_ids;
  EXPECT_EQ(one.logits(prompt), two.logits(prompt));
}

INSTANTIATE_TEST_SUITE_P(
    Families,
    FamilyTest,
    ::testing::Values(
        "llama",
        "llama_bias",
        "llama_rope_llama3",
        "llama_rope_linear",
        "mistral",
        "qwen2",
        "qwen3",
        "gemma2",
        "gemma3",
        "gemma3_rope_linear",
        "phi3"
    ),
    [](const auto& info) { return std::string(info.param); }
);

// A field of config.json whose effect must show in the logits.
struct Feature {
  const char* name;
  const char* model;
  void (*edit)(ModelConfig&);
};

class FeatureTest : public ::testing::TestWithParam<Feature> {};

TEST_P(FeatureTest, WithoutItTheLogitsAreOthers) {
  const LogitsGolden golden = test::load_logits_goldens(model_dir(GetParam().model)).back();
  PagedModel model(model_dir(GetParam().model), {.edit = GetParam().edit});
  EXPECT_GT(max_difference(model.logits(golden.prompt_ids), golden), 0.1f);
}

void drop_windows(ModelConfig& config) {
  config.is_sliding_layer.assign(config.num_hidden_layers, false);
}
void drop_rope_scaling(ModelConfig& config) {
  config.rope.scaling = RopeScaling::kNone;
}

constexpr Feature kFeatures[] = {
    {"MistralWindow", "mistral", drop_windows},
    {"Phi3Window", "phi3", drop_windows},
    {"Gemma2Windows", "gemma2", drop_windows},
    {"Gemma2OtherLayers", "gemma2", [](ModelConfig& config) { config.is_sliding_layer.flip(); }},
    {"WindowLength", "mistral", [](ModelConfig& config) { config.sliding_window = 7; }},
    {"ScoreSoftcap", "gemma2", [](ModelConfig& config) { config.attn_logit_softcapping = 0.0; }},
    {"LogitSoftcap", "gemma2", [](ModelConfig& config) { config.final_logit_softcapping = 0.0; }},
    {"QueryScale", "gemma3", [](ModelConfig& config) { config.query_pre_attn_scalar.reset(); }},
    {"LocalRope", "gemma3", [](ModelConfig& config) { config.rope_local.reset(); }},
    {"Gelu", "gemma3", [](ModelConfig& config) { config.hidden_act = "silu"; }},
    {"LinearRope", "llama_rope_linear", drop_rope_scaling},
    {"Llama3Rope", "llama_rope_llama3", drop_rope_scaling},
    {"NormEps", "llama", [](ModelConfig& config) { config.rms_norm_eps = 1e-6; }},
};

INSTANTIATE_TEST_SUITE_P(
    Features,
    FeatureTest,
    ::testing::ValuesIn(kFeatures),
    [](const auto& info) { return std::string(info.param.name); }
);

}  // namespace
}  // namespace quire
