#include "config/model_config.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/model_families.h"
#include "quire/error.h"
#include "support/temp_dir.h"
#include "support/test_paths.h"

namespace quire {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Optional;

// config.json of a small model. `fields` stand first: of a field that comes twice the first counts.
std::string config_text(const std::string& architecture, const std::string& fields = "") {
  return fmt::format(
      R"({{{}{}"architectures":["{}"],"vocab_size":100,"hidden_size":64,"intermediate_size":96,)"
      R"("num_hidden_layers":4,"num_attention_heads":4,"max_position_embeddings":128}})",
      fields,
      fields.empty() ? "" : ",",
      architecture
  );
}

ModelConfig parse(const std::string& architecture, const std::string& fields = "") {
  return parse_model_config(config_text(architecture, fields), "");
}

ModelConfig parse_llama(const std::string& fields) {
  return parse("LlamaForCausalLM", fields);
}

struct Refusal {
  std::string field;
  std::string message;
};

Refusal refusal_of_text(const std::string& config, const std::string& generation_config = "") {
  try {
    parse_model_config(config, generation_config);
  } catch (const InvalidArgument& error) {
    return {error.field(), error.what()};
  }
  return {"", "nothing is wrong"};
}

Refusal refusal(const std::string& fields, const std::string& architecture = "LlamaForCausalLM") {
  return refusal_of_text(config_text(architecture, fields));
}

TEST(ModelConfigTest, ReadsTheBundledModel) {
  const ModelConfig config = load_model_config(test::bundled_models_dir() / "small-chat");
  EXPECT_EQ(config.architecture, "LlamaForCausalLM");
  EXPECT_EQ(config.vocab_size, 4096);
  EXPECT_EQ(config.hidden_size, 256);
  EXPECT_EQ(config.intermediate_size, 768);
  EXPECT_EQ(config.num_hidden_layers, 8);
  EXPECT_EQ(config.num_attention_heads, 4);
  EXPECT_EQ(config.num_key_value_heads, 2);
  EXPECT_EQ(config.head_dim, 64);
  EXPECT_EQ(config.derived_max_model_len(), 2048);
  EXPECT_EQ(config.rms_norm_eps, 1e-5);
  EXPECT_EQ(config.rope.theta, 10000.0);
  EXPECT_TRUE(config.tie_word_embeddings);
  EXPECT_EQ(config.dtype, DType::kBFloat16);
  EXPECT_THAT(config.eos_token_ids, ElementsAre(2, 0));
  EXPECT_EQ(config.bos_token_id, std::nullopt);
  EXPECT_EQ(config.sliding_window, std::nullopt);
}

TEST(ModelConfigTest, FieldsThatAreAbsentOrNullHaveTheDefaultsOfTransformers) {
  const ModelConfig llama =
      parse_llama(R"("head_dim":null,"num_key_value_heads":null,"rope_scaling":null)");
  EXPECT_EQ(llama.head_dim, 16);
  EXPECT_EQ(llama.num_key_value_heads, 4);
  EXPECT_EQ(llama.rope.theta, 10000.0);
  EXPECT_EQ(llama.rope.scaling, RopeScaling::kNone);
  EXPECT_EQ(llama.dtype, DType::kFloat32);
  EXPECT_EQ(llama.hidden_act, "silu");
  EXPECT_FALSE(llama.tie_word_embeddings);
  EXPECT_THAT(llama.eos_token_ids, IsEmpty());
  EXPECT_EQ(parse("Qwen3ForCausalLM").head_dim, 128);
  EXPECT_EQ(parse("Qwen3ForCausalLM", R"("head_dim":null)").head_dim, 16);
  EXPECT_EQ(parse("Phi3ForCausalLM").rms_norm_eps, 1e-5);
  const ModelConfig gemma2 = parse("Gemma2ForCausalLM");
  EXPECT_EQ(gemma2.head_dim, 256);
  EXPECT_TRUE(gemma2.tie_word_embeddings);
  EXPECT_EQ(gemma2.hidden_act, "gelu_pytorch_tanh");
  EXPECT_EQ(gemma2.attn_logit_softcapping, 50.0);
  EXPECT_EQ(gemma2.final_logit_softcapping, 30.0);
  EXPECT_THAT(gemma2.query_pre_attn_scalar, Optional(256.0));
  EXPECT_THAT(gemma2.sliding_window, Optional(4096));
}

TEST(ModelConfigTest, NullTurnsAFeatureOff) {
  const ModelConfig config = parse(
      "Gemma2ForCausalLM",
      R"("attn_logit_softcapping":null,"final_logit_softcapping":null,"sliding_window":null)"
  );
  EXPECT_EQ(config.attn_logit_softcapping, 0.0);
  EXPECT_EQ(config.final_logit_softcapping, 0.0);
  EXPECT_EQ(config.sliding_window, std::nullopt);
  EXPECT_THAT(config.is_sliding_layer, ElementsAre(false, false, false, false));
}

TEST(ModelConfigTest, OlderAndNewerSpellingsAgree) {
  const ModelConfig older = parse_llama(
      R"("torch_dtype":"float16","rope_theta":5e5,"rope_scaling":{"type":"linear","factor":2})"
  );
  const ModelConfig newer = parse_llama(
      R"("dtype":"float16","rope_parameters":{"rope_theta":5e5,"rope_type":"linear","factor":2})"
  );
  for (const ModelConfig& config : {older, newer}) {
    EXPECT_EQ(config.dtype, DType::kFloat16);
    EXPECT_EQ(config.rope.theta, 5e5);
    EXPECT_EQ(config.rope.scaling, RopeScaling::kLinear);
    EXPECT_EQ(config.rope.factor, 2.0);
    EXPECT_EQ(config.derived_max_model_len(), 256);
  }
}

TEST(ModelConfigTest, Llama3ScalingHasItsFourNumbers) {
  const ModelConfig config =
      parse_llama(R"("rope_scaling":{"rope_type":"llama3","factor":8.0,"low_freq_factor":1.0,)"
                  R"("high_freq_factor":4.0,"original_max_position_embeddings":32})");
  EXPECT_EQ(config.rope.scaling, RopeScaling::kLlama3);
  EXPECT_EQ(config.rope.factor, 8.0);
  EXPECT_EQ(config.rope.low_freq_factor, 1.0);
  EXPECT_EQ(config.rope.high_freq_factor, 4.0);
  EXPECT_EQ(config.rope.original_max_position_embeddings, 32);
  // max_position_embeddings is the stretched length already.
  EXPECT_EQ(config.derived_max_model_len(), 128);
}

TEST(ModelConfigTest, Gemma3HasARopeForEachKindOfLayerInBothSpellings) {
  const ModelConfig older = parse(
      "Gemma3ForCausalLM",
      R"("rope_theta":1e6,"rope_local_base_freq":1e4,"sliding_window_pattern":3,"sliding_window":8,)"
      R"("rope_scaling":{"rope_type":"linear","factor":8})"
  );
  const ModelConfig newer = parse(
      "Gemma3ForCausalLM",
      R"("rope_parameters":{"full_attention":{"rope_type":"linear","factor":8,"rope_theta":1e6},)"
      R"("sliding_attention":{"rope_type":"default","rope_theta":1e4}},"sliding_window":8,)"
      R"("layer_types":["sliding_attention","sliding_attention","full_attention",)"
      R"("sliding_attention"])"
  );
  for (const ModelConfig& config : {older, newer}) {
    EXPECT_EQ(config.rope.theta, 1e6);
    EXPECT_EQ(config.rope.scaling, RopeScaling::kLinear);
    ASSERT_TRUE(config.rope_local.has_value());
    EXPECT_EQ(config.rope_local->theta, 1e4);
    EXPECT_EQ(config.rope_local->scaling, RopeScaling::kNone);
    EXPECT_THAT(config.is_sliding_layer, ElementsAre(true, true, false, true));
    EXPECT_EQ(config.derived_max_model_len(), 128);
  }
}

TEST(ModelConfigTest, WindowsFollowTheRuleOfTheFamily) {
  const auto layers = [](const char* architecture, const std::string& fields) {
    return parse(architecture, fields).is_sliding_layer;
  };
  const std::string window = R"("sliding_window":8)";
  EXPECT_THAT(layers("LlamaForCausalLM", window), ElementsAre(false, false, false, false));
  EXPECT_THAT(layers("MistralForCausalLM", window), ElementsAre(true, true, true, true));
  EXPECT_THAT(
      layers("MistralForCausalLM", R"("sliding_window":null)"),
      ElementsAre(false, false, false, false)
  );
  EXPECT_THAT(layers("Phi3ForCausalLM", window), ElementsAre(true, true, true, true));
  EXPECT_THAT(layers("Gemma2ForCausalLM", window), ElementsAre(true, false, true, false));
  EXPECT_THAT(layers("Gemma3ForCausalLM", window), ElementsAre(true, true, true, true));
  EXPECT_THAT(
      layers("Gemma3ForCausalLM", window + R"(,"sliding_window_pattern":2)"),
      ElementsAre(true, false, true, false)
  );
}

TEST(ModelConfigTest, QwenNamesAWindowAndUsesItOnlyWhenTold) {
  const std::string window = R"("sliding_window":8,"max_window_layers":2,"use_sliding_window":)";
  for (const char* architecture : {"Qwen2ForCausalLM", "Qwen3ForCausalLM"}) {
    const ModelConfig unused = parse(architecture, window + "false");
    EXPECT_EQ(unused.sliding_window, std::nullopt);
    EXPECT_THAT(unused.is_sliding_layer, ElementsAre(false, false, false, false));
    const ModelConfig used = parse(architecture, window + "true");
    EXPECT_THAT(used.sliding_window, Optional(8));
    EXPECT_THAT(used.is_sliding_layer, ElementsAre(false, false, true, true));
  }
}

TEST(ModelConfigTest, GenerationConfigAddsDefaultsAndStops) {
  const ModelConfig config = parse_model_config(
      config_text("LlamaForCausalLM", R"("eos_token_id":5,"bos_token_id":1)"),
      R"({"eos_token_id":[7,5],"temperature":0.6,"top_p":0.9,"top_k":20,"min_p":0.05,)"
      R"("repetition_penalty":1.1,"max_new_tokens":64})"
  );
  EXPECT_THAT(config.eos_token_ids, ElementsAre(5, 7));
  EXPECT_EQ(config.bos_token_id, 1);
  EXPECT_THAT(config.default_temperature, Optional(0.6));
  EXPECT_THAT(config.default_top_p, Optional(0.9));
  EXPECT_THAT(config.default_top_k, Optional(20));
  EXPECT_THAT(config.default_min_p, Optional(0.05));
  EXPECT_THAT(config.default_repetition_penalty, Optional(1.1));
  EXPECT_THAT(config.default_max_new_tokens, Optional(64));
}

TEST(ModelConfigTest, TheSmallestLengthFieldCounts) {
  EXPECT_EQ(parse_llama(R"("model_max_length":100,"seq_length":90)").derived_max_model_len(), 90);
  EXPECT_EQ(parse_llama(R"("model_max_length":1000)").derived_max_model_len(), 128);
}

TEST(ModelConfigTest, AnUnknownArchitectureIsNamedWithTheKnownOnes) {
  const Refusal refused = refusal("", "GPT2LMHeadModel");
  EXPECT_EQ(refused.field, "architectures");
  EXPECT_THAT(refused.message, AllOf(HasSubstr("GPT2LMHeadModel"), HasSubstr("LlamaForCausalLM")));
  for (const ModelFamily& family : model_families()) {
    EXPECT_THAT(refused.message, HasSubstr(std::string(family.architecture)));
  }
  EXPECT_THAT(
      refusal("", "Gemma3ForConditionalGeneration").message,
      AllOf(HasSubstr("images"), HasSubstr("Gemma3ForCausalLM"))
  );
  EXPECT_EQ(refusal_of_text("{}").field, "architectures");
  EXPECT_EQ(refusal_of_text(R"({"architectures":[]})").field, "architectures");
  EXPECT_EQ(refusal_of_text(R"({"architectures":[7]})").field, "architectures");
}

TEST(ModelConfigTest, WhatIsNotSupportedIsRefusedByNameWithAWayOut) {
  EXPECT_THAT(
      refusal(R"("quantization_config":{"quant_method":"awq"})").message,
      AllOf(HasSubstr("quantization_config"), HasSubstr("awq"), HasSubstr("unquantized"))
  );
  EXPECT_THAT(
      refusal(R"("rope_scaling":{"rope_type":"yarn","factor":4})").message,
      AllOf(HasSubstr("rope_scaling.rope_type 'yarn'"), HasSubstr("default, linear, llama3"))
  );
  EXPECT_THAT(
      refusal(R"("rope_scaling":{"type":"longrope"})", "Phi3ForCausalLM").message,
      AllOf(HasSubstr("longrope"), HasSubstr("short context"))
  );
  EXPECT_EQ(refusal(R"("partial_rotary_factor":0.5)").field, "partial_rotary_factor");
  EXPECT_EQ(
      parse("Phi3ForCausalLM", R"("partial_rotary_factor":0.75)").rope.partial_rotary_factor, 0.75
  );
  EXPECT_THAT(
      refusal(R"("torch_dtype":"float8_e4m3fn")").message,
      AllOf(HasSubstr("float8_e4m3fn"), HasSubstr("float32, bfloat16, float16"))
  );
  EXPECT_EQ(
      refusal(R"("use_bidirectional_attention":true)", "Gemma3ForCausalLM").field,
      "use_bidirectional_attention"
  );
  EXPECT_THAT(
      refusal(
          R"("layer_types":["full_attention","full_attention","full_attention","chunked_attention"])"
      )
          .message,
      AllOf(HasSubstr("chunked_attention"), HasSubstr("sliding_attention"))
  );
}

TEST(ModelConfigTest, ValuesThatCannotBeAreRefusedByName) {
  const std::pair<const char*, const char*> cases[] = {
      {"vocab_size", R"("vocab_size":0)"},
      {"vocab_size", R"("vocab_size":"many")"},
      {"hidden_size", R"("hidden_size":1.5)"},
      {"hidden_size", R"("hidden_size":-64)"},
      {"intermediate_size", R"("intermediate_size":1e300)"},
      {"num_hidden_layers", R"("num_hidden_layers":1000000)"},
      {"num_attention_heads", R"("num_key_value_heads":3)"},
      {"head_dim", R"("head_dim":0)"},
      {"head_dim", R"("head_dim":7)"},
      {"head_dim", R"("head_dim":1024)"},
      {"head_dim", R"("hidden_size":65536)"},
      {"head_dim", R"("hidden_size":66)"},
      {"rms_norm_eps", R"("rms_norm_eps":-1)"},
      {"tie_word_embeddings", R"("tie_word_embeddings":"yes")"},
      {"rope_theta", R"("rope_theta":0)"},
      {"rope_scaling", R"("rope_scaling":4)"},
      {"factor", R"("rope_scaling":{"rope_type":"linear"})"},
      {"factor", R"("rope_scaling":{"rope_type":"linear","factor":0})"},
      {"low_freq_factor", R"("rope_scaling":{"rope_type":"llama3","factor":8})"},
      {"low_freq_factor",
       R"("rope_scaling":{"rope_type":"llama3","factor":8,"low_freq_factor":4,)"
       R"("high_freq_factor":4,"original_max_position_embeddings":32})"},
      {"layer_types", R"("layer_types":["full_attention"])"},
      {"sliding_window",
       R"("layer_types":["full_attention","full_attention","full_attention","sliding_attention"])"},
      {"eos_token_id", R"("eos_token_id":-1)"},
      {"eos_token_id", R"("eos_token_id":[1,"2"])"},
  };
  for (const auto& [field, fields] : cases) {
    const Refusal refused = refusal(fields);
    EXPECT_EQ(refused.field, field) << fields;
    EXPECT_THAT(refused.message, AllOf(HasSubstr("config.json"), HasSubstr(field))) << fields;
  }
}

TEST(ModelConfigTest, AMissingFieldIsNamed) {
  for (const char* field :
       {"vocab_size", "hidden_size", "num_hidden_layers", "max_position_embeddings"}) {
    std::string text = config_text("LlamaForCausalLM");
    text[text.find(field)] = '_';
    const Refusal refused = refusal_of_text(text);
    EXPECT_EQ(refused.field, field);
    EXPECT_THAT(refused.message, HasSubstr("is missing"));
  }
}

TEST(ModelConfigTest, TextThatIsNoJsonObjectIsRefused) {
  for (const std::string& text :
       {std::string(),
        std::string("[]"),
        std::string("{\"a\":"),
        std::string(1 << 20, '['),
        std::string("{\"a\":\"\xFF\"}")}) {
    EXPECT_THAT(refusal_of_text(text).message, HasSubstr("config.json: no JSON object"));
  }
  EXPECT_THAT(
      refusal_of_text(config_text("LlamaForCausalLM"), "[1]").message,
      HasSubstr("generation_config.json: no JSON object")
  );
}

TEST(ModelConfigTest, AFolderWithoutConfigIsAnEnvironmentErrorThatNamesTheFile) {
  const test::TempDir dir;
  EXPECT_THAT(
      [&] { load_model_config(dir.path()); },
      ::testing::ThrowsMessage<EnvironmentError>(HasSubstr("config.json"))
  );
}

}  // namespace
}  // namespace quire
