// --hf-overrides and --override-generation-config.
#include <gtest/gtest.h>

#include "config/json_fields.h"
#include "config/model_config.h"
#include "quire/error.h"
#include "support/test_paths.h"

namespace quire {
namespace {

std::string field_of_refusal(const std::string& overrides) {
  try {
    ModelConfig config;
    override_generation_config(config, overrides);
    return "accepted";
  } catch (const InvalidArgument& error) {
    return error.field();
  }
}

TEST(ConfigOverridesTest, FieldsOfConfigJsonAreReplaced) {
  const auto dir = test::test_data_dir() / "models" / "llama";
  const ModelConfig own = load_model_config(dir);
  ASSERT_NE(own.max_position_embeddings, 77);
  const ModelConfig config = load_model_config(dir, R"({"max_position_embeddings": 77})");
  EXPECT_EQ(config.max_position_embeddings, 77);
  EXPECT_EQ(config.hidden_size, own.hidden_size);
  EXPECT_THROW(load_model_config(dir, R"({"hidden_size": -1})"), InvalidArgument);
  EXPECT_THROW(load_model_config(dir, "[]"), InvalidArgument);
}

TEST(ConfigOverridesTest, AnOverrideReplacesTheWholeValue) {
  const std::string text = override_json_fields(
      "config.json", R"({"a": {"b": 1, "c": 2}, "d": "x"})", "hf_overrides", R"({"a": {"b": 3}})"
  );
  EXPECT_EQ(text, R"({"d": "x", "a": {"b":3}})");
}

TEST(ConfigOverridesTest, SamplingDefaultsAreReplacedOrTakenAway) {
  ModelConfig config;
  config.default_temperature = 0.6;
  config.default_top_p = 0.9;
  config.default_top_k = 20;
  override_generation_config(
      config, R"({"temperature": 0.2, "top_p": null, "max_new_tokens": 64, "min_p": 0.1})"
  );
  EXPECT_EQ(config.default_temperature, 0.2);
  EXPECT_EQ(config.default_top_p, std::nullopt);
  EXPECT_EQ(config.default_top_k, 20) << "not named";
  EXPECT_EQ(config.default_max_new_tokens, 64);
  EXPECT_EQ(config.default_min_p, 0.1);
}

TEST(ConfigOverridesTest, MistakesAreRefused) {
  EXPECT_EQ(field_of_refusal(R"({"temprature": 1})"), "override_generation_config");
  EXPECT_EQ(field_of_refusal(R"({"seed": 1})"), "override_generation_config");
  EXPECT_EQ(field_of_refusal("{"), "override_generation_config");
  EXPECT_EQ(field_of_refusal("[1]"), "override_generation_config");
  EXPECT_EQ(field_of_refusal(R"({"top_p": 2})"), "top_p");
}

}  // namespace
}  // namespace quire
