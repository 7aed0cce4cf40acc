// --load-format null: the whole engine without a model.

#include <filesystem>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/load_engine.h"
#include "quire/error.h"
#include "quire/llm.h"
#include "quire/tokenizer.h"
#include "support/temp_dir.h"
#include "support/test_paths.h"
#include "worker/null_runner.h"

namespace quire {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Not;

namespace fs = std::filesystem;

EngineConfig null_config() {
  EngineConfig config;
  config.model = (test::bundled_models_dir() / "small-chat").string();
  config.load_format = "null";
  config.max_model_len = 256;
  config.disable_log_stats = true;
  config.use_tqdm_on_load = false;
  return config;
}

std::vector<Prompt> make_prompts(int number) {
  std::vector<Prompt> prompts(number);
  for (int i = 0; i < number; ++i)
    prompts[i].token_ids.assign(20 + i % 7, 100 + i);
  return prompts;
}

std::vector<std::vector<int32_t>> generate(LLM& llm, int number, int max_tokens = 100) {
  SamplingParams params;
  params.max_tokens = max_tokens;
  std::vector<std::vector<int32_t>> token_ids;
  for (const RequestOutput& output :
       llm.generate(make_prompts(number), std::span(&params, 1), {.use_tqdm = false})) {
    EXPECT_FALSE(output.error) << *output.error;
    token_ids.push_back(output.outputs.at(0).token_ids);
  }
  return token_ids;
}

TEST(NullEngineTest, GivesPlainTokensOfTheVocabularyAndTheirText) {
  LLM llm(null_config());
  SamplingParams params;
  params.max_tokens = 200;
  const auto outputs = llm.generate(make_prompts(8), std::span(&params, 1), {.use_tqdm = false});
  const auto tokenizer = llm.engine().tokenizer();
  std::set<std::vector<int32_t>> distinct;
  for (const RequestOutput& output : outputs) {
    const CompletionOutput& completion = output.outputs.at(0);
    EXPECT_EQ(completion.finish_reason, FinishReason::kLength) << "an end of text came";
    ASSERT_EQ(completion.token_ids.size(), 200u);
    for (const int32_t eos : llm.engine().eos_token_ids())
      EXPECT_THAT(completion.token_ids, Each(Not(eos)));
    EXPECT_THAT(
        completion.token_ids, Each(::testing::AllOf(::testing::Ge(0), ::testing::Lt(4096)))
    );
    EXPECT_GT(completion.text.size(), 200u);
    distinct.insert(completion.token_ids);
  }
  EXPECT_EQ(distinct.size(), outputs.size());
}

TEST(NullEngineTest, TokensDependOnPromptAndPositionAlone) {
  LLM llm(null_config());
  const auto expected = generate(llm, 32);

  EngineConfig tight = null_config();
  tight.num_gpu_blocks_override = 40;  // of 16 tokens: five requests of 126 tokens
  tight.max_num_batched_tokens = 32;
  LLM preempting(tight);
  EXPECT_EQ(generate(preempting, 32), expected);
  EXPECT_GT(preempting.engine().stats().num_preemptions, 0);
}

TEST(NullEngineTest, KeepsToAllowedTokensSoThatATextMayEnd) {
  LLM llm(null_config());
  SamplingParams params;
  params.allowed_token_ids = {llm.engine().eos_token_ids().front()};
  const auto outputs = llm.generate(make_prompts(1), std::span(&params, 1), {.use_tqdm = false});
  EXPECT_EQ(outputs.at(0).outputs.at(0).finish_reason, FinishReason::kStop);
}

TEST(NullEngineTest, NeedsNoWeightsOnDisk) {
  const test::TempDir dir;
  const fs::path source = test::bundled_models_dir() / "small-chat";
  for (const char* name : {"config.json", "tokenizer.json", "tokenizer_config.json"})
    fs::copy(source / name, dir.path() / name);
  EngineConfig config = null_config();
  config.model = dir.path().string();
  LLM llm(config);
  EXPECT_EQ(generate(llm, 1, 5).at(0).size(), 5u);
}

TEST(NullEngineTest, RefusesLogprobsBecauseThereAreNoLogits) {
  LLM llm(null_config());
  const auto expect_refused = [&](const SamplingParams& params, const char* field) {
    try {
      llm.generate(make_prompts(1), std::span(&params, 1), {.use_tqdm = false});
      ADD_FAILURE() << "accepted " << field;
    } catch (const InvalidArgument& error) {
      EXPECT_EQ(error.field(), field);
      EXPECT_THAT(error.what(), HasSubstr("null"));
    }
  };
  expect_refused({.logprobs = 1}, "logprobs");
  expect_refused({.prompt_logprobs = 1}, "prompt_logprobs");
  SamplingParams ids;
  ids.logprob_token_ids = {3};
  expect_refused(ids, "logprob_token_ids");
}

TEST(NullEngineTest, SizesTheCacheAsTheModelItselfWould) {
  const ModelConfig model = load_model_config(test::bundled_models_dir() / "small-chat");
  EngineConfig config = null_config();
  config.kv_cache_memory_bytes = 64 << 20;
  const LoadedEngine null_engine = load_engine(config);
  config.load_format = "auto";
  const LoadedEngine real_engine = load_engine(config);
  EXPECT_EQ(null_engine.kv_cache, real_engine.kv_cache);
  EXPECT_EQ(kv_cache_specs_of(model, DType::kBFloat16).size(), 8u);
}

}  // namespace
}  // namespace quire
