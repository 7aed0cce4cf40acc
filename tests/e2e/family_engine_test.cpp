// Every model family through the whole engine: greedy tokens equal those of Hugging Face
// transformers, with the prompts together in one batch, in chunks, and from a warm cache.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "quire/llm.h"
#include "support/logits_goldens.h"
#include "support/test_paths.h"

namespace quire {
namespace {

class FamilyEngineTest : public ::testing::TestWithParam<const char*> {
 protected:
  EngineConfig config() const {
    EngineConfig config;
    config.model = (test::test_data_dir() / "models" / GetParam()).string();
    config.dtype = "float32";
    config.skip_tokenizer_init = true;
    config.use_tqdm_on_load = false;
    return config;
  }

  std::vector<RequestOutput> generate(LLM& llm) const {
    std::vector<Prompt> prompts;
    std::vector<SamplingParams> params;
    for (const test::LogitsGolden& golden : goldens_) {
      prompts.push_back({.token_ids = golden.prompt_ids});
      params.emplace_back();
      params.back().temperature = 0.0;
      params.back().ignore_eos = true;
      params.back().detokenize = false;
      params.back().max_tokens = static_cast<int>(golden.greedy_ids.size());
    }
    return llm.generate(prompts, params, {.use_tqdm = false});
  }

  void expect_golden(const std::vector<RequestOutput>& outputs) const {
    ASSERT_EQ(outputs.size(), goldens_.size());
    for (size_t i = 0; i < outputs.size(); ++i) {
      EXPECT_EQ(outputs[i].outputs.at(0).token_ids, goldens_[i].greedy_ids) << "prompt " << i;
    }
  }

  std::vector<test::LogitsGolden> goldens_ =
      test::load_logits_goldens(test::test_data_dir() / "models" / GetParam());
};

TEST_P(FamilyEngineTest, OneBatchGivesTheGoldenTokens) {
  LLM llm(config());
  expect_golden(generate(llm));
  const EngineStats stats = llm.engine().stats();
  EXPECT_GT(stats.num_scheduled_reqs, stats.num_steps) << "the prompts did not run together";
}

TEST_P(FamilyEngineTest, ChunksGiveTheGoldenTokens) {
  EngineConfig wish = config();
  wish.max_num_batched_tokens = 7;
  wish.max_num_seqs = 3;
  LLM llm(wish);
  expect_golden(generate(llm));
  const EngineStats stats = llm.engine().stats();
  EXPECT_LE(stats.num_scheduled_tokens, 7 * stats.num_steps);
}

TEST_P(FamilyEngineTest, AWarmPrefixCacheGivesTheGoldenTokens) {
  LLM llm(config());
  expect_golden(generate(llm));
  const std::vector<RequestOutput> warm = generate(llm);
  expect_golden(warm);
  int num_cached_tokens = 0;
  for (const RequestOutput& output : warm) {
    num_cached_tokens += output.num_cached_tokens;
  }
  EXPECT_GT(num_cached_tokens, 0);
}

INSTANTIATE_TEST_SUITE_P(
    Checkpoints,
    FamilyEngineTest,
    ::testing::Values(
        "llama", "llama_rope_llama3", "mistral", "qwen2", "qwen3", "gemma2", "gemma3", "phi3"
    ),
    [](const auto& info) { return std::string(info.param); }
);

}  // namespace
}  // namespace quire
