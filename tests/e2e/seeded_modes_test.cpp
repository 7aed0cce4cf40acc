// Sampling with a seed per request gives the same tokens, whatever way the engine takes to them.
// Each mode asserts that it happened.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "quire/llm.h"
#include "support/goldens.h"
#include "support/test_paths.h"

namespace quire {
namespace {

using TokenIds = std::vector<int32_t>;

EngineConfig make_config() {
  EngineConfig config;
  config.model = (test::bundled_models_dir() / "small-chat").string();
  config.dtype = "float32";
  config.use_tqdm_on_load = false;
  config.enable_prefix_caching = false;
  return config;
}

// Prompts of 7 to 1,900 tokens. All draw at temperature 0.8; a third each from the whole
// vocabulary, from the top k and from the top p.
class SeededModesTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    for (const test::GoldenSteps& golden : test::load_small_chat_goldens("small-chat"))
      prompts_.push_back({.token_ids = golden.prompt_ids});
    LLM llm(make_config());
    for (size_t i = 0; i < prompts_.size(); ++i) {
      const std::vector<SamplingParams> params = {make_params(i)};
      alone_.push_back(tokens_of(llm.generate({&prompts_[i], 1}, params, {.use_tqdm = false})[0]));
    }
    const EngineStats stats = llm.engine().stats();
    ASSERT_EQ(stats.num_scheduled_reqs, stats.num_steps) << "one request at a time";
  }

  static void TearDownTestSuite() {
    prompts_.clear();
    alone_.clear();
  }

  static SamplingParams make_params(size_t i) {
    SamplingParams params{.temperature = 0.8, .ignore_eos = true, .max_tokens = 48};
    params.seed = 100 + static_cast<int64_t>(i);
    if (i % 3 == 1) params.top_k = 20;
    if (i % 3 == 2) params.top_p = 0.9;
    return params;
  }

  static TokenIds tokens_of(const RequestOutput& output) { return output.outputs.at(0).token_ids; }

  // All prompts `copies` times as one batch; each must get the tokens that it gets alone.
  static std::vector<RequestOutput> expect_the_same_tokens(LLM& llm, int copies = 1) {
    std::vector<Prompt> prompts;
    std::vector<SamplingParams> params;
    for (int copy = 0; copy < copies; ++copy) {
      for (size_t i = 0; i < prompts_.size(); ++i) {
        prompts.push_back(prompts_[i]);
        params.push_back(make_params(i));
      }
    }
    std::vector<RequestOutput> outputs = llm.generate(prompts, params, {.use_tqdm = false});
    EXPECT_EQ(outputs.size(), prompts.size());
    for (size_t i = 0; i < outputs.size(); ++i)
      EXPECT_EQ(tokens_of(outputs[i]), alone_[i % alone_.size()]) << "request " << i;
    return outputs;
  }

  static std::vector<Prompt> prompts_;
  static std::vector<TokenIds> alone_;  // by prompt
};

std::vector<Prompt> SeededModesTest::prompts_;
std::vector<TokenIds> SeededModesTest::alone_;

TEST_F(SeededModesTest, ASeedDecidesWhatIsDrawn) {
  LLM llm(make_config());
  const std::vector<Prompt> prompts(3, prompts_[0]);
  std::vector<SamplingParams> params(3, make_params(0));
  params[1].seed = 7;
  params[2].temperature = 0.0;
  const auto outputs = llm.generate(prompts, params, {.use_tqdm = false});
  EXPECT_EQ(tokens_of(outputs[0]), alone_[0]);
  EXPECT_NE(tokens_of(outputs[1]), alone_[0]) << "another seed";
  EXPECT_NE(tokens_of(outputs[2]), alone_[0]) << "greedy";
}

TEST_F(SeededModesTest, ABatchOfSixtyFourGivesTheSameTokens) {
  EngineConfig wish = make_config();
  wish.max_num_seqs = 64;
  LLM llm(wish);
  expect_the_same_tokens(llm, 4);
  const EngineStats stats = llm.engine().stats();
  EXPECT_GT(static_cast<double>(stats.num_scheduled_reqs) / stats.num_steps, 32.0);
}

TEST_F(SeededModesTest, ChunksOfSixteenTokensGiveTheSameTokens) {
  EngineConfig wish = make_config();
  wish.max_num_seqs = 16;
  wish.max_num_batched_tokens = 16;
  LLM llm(wish);
  expect_the_same_tokens(llm);
  size_t num_prompt_tokens = 0;
  for (const Prompt& prompt : prompts_)
    num_prompt_tokens += prompt.token_ids.size();
  const EngineStats stats = llm.engine().stats();
  EXPECT_GE(stats.num_steps, static_cast<int64_t>(num_prompt_tokens / 16));
  EXPECT_LE(stats.num_scheduled_tokens, 16 * stats.num_steps);
}

TEST_F(SeededModesTest, AWarmPrefixCacheGivesTheSameTokens) {
  EngineConfig wish = make_config();
  wish.enable_prefix_caching = true;
  LLM llm(wish);
  expect_the_same_tokens(llm);
  const std::vector<RequestOutput> warm = expect_the_same_tokens(llm);
  for (size_t i = 0; i < warm.size(); ++i) {
    const int num_full_blocks = static_cast<int>(prompts_[i].token_ids.size() - 1) / 16;
    EXPECT_EQ(warm[i].num_cached_tokens, 16 * num_full_blocks) << "request " << i;
  }
}

TEST_F(SeededModesTest, PreemptedRequestsGetTheSameTokens) {
  EngineConfig wish = make_config();
  wish.num_gpu_blocks_override = 160;
  wish.scheduler_reserve_full_isl = false;
  LLM llm(wish);
  int num_preemptions = 0;
  for (const RequestOutput& output : expect_the_same_tokens(llm, 2))
    num_preemptions += output.metrics.num_preemptions;
  EXPECT_GT(num_preemptions, 0);
}

}  // namespace
}  // namespace quire
