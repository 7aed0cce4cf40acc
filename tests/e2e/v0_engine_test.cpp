// The V0 scheduler under the whole engine: greedy tokens equal the goldens, which are also V1's,
// whatever V0 does with its blocks. Each mode asserts that it happened.

#include <cstdlib>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "quire/llm.h"
#include "support/goldens.h"
#include "support/test_paths.h"

namespace quire {
namespace {

using test::GoldenSteps;

EngineConfig v0_config() {
  EngineConfig config;
  config.model = (test::bundled_models_dir() / "small-chat").string();
  config.dtype = "float32";
  config.scheduler = "v0";
  config.use_tqdm_on_load = false;
  return config;
}

class V0EngineTest : public ::testing::Test {
 protected:
  std::vector<RequestOutput> generate(LLM& llm, int copies = 1) const {
    std::vector<Prompt> prompts;
    std::vector<SamplingParams> params;
    for (int copy = 0; copy < copies; ++copy) {
      for (const GoldenSteps& golden : goldens_) {
        prompts.push_back({.token_ids = golden.prompt_ids});
        params.emplace_back();
        params.back().temperature = 0.0;
        params.back().max_tokens = static_cast<int>(golden.greedy_ids.size());
      }
    }
    std::vector<RequestOutput> outputs = llm.generate(prompts, params, {.use_tqdm = false});
    EXPECT_TRUE(llm.engine().stats().uses_v0);
    return outputs;
  }

  void expect_golden(const std::vector<RequestOutput>& outputs) const {
    for (size_t i = 0; i < outputs.size(); ++i) {
      const GoldenSteps& golden = goldens_[i % goldens_.size()];
      EXPECT_EQ(outputs[i].outputs.at(0).token_ids, golden.greedy_ids) << "request " << i;
    }
  }

  static int num_preemptions(const std::vector<RequestOutput>& outputs) {
    int num = 0;
    for (const RequestOutput& output : outputs)
      num += output.metrics.num_preemptions;
    return num;
  }

  static int num_cached_tokens(const std::vector<RequestOutput>& outputs) {
    int num = 0;
    for (const RequestOutput& output : outputs)
      num += output.num_cached_tokens;
    return num;
  }

  std::vector<GoldenSteps> goldens_ = test::load_small_chat_goldens("small-chat");
};

TEST_F(V0EngineTest, ABatchGivesTheGoldenTokens) {
  LLM llm(v0_config());
  expect_golden(generate(llm, 4));
  const EngineStats stats = llm.engine().stats();
  EXPECT_GT(static_cast<double>(stats.num_scheduled_reqs) / stats.num_steps, 8.0);
  EXPECT_EQ(num_cached_tokens(generate(llm)), 0) << "the prefix cache is off unless asked for";
}

TEST_F(V0EngineTest, TheEnvironmentChoosesV0) {
  setenv("VLLM_USE_V1", "0", 1);
  EngineConfig wish = v0_config();
  wish.scheduler.reset();
  LLM llm(wish);
  unsetenv("VLLM_USE_V1");
  expect_golden(generate(llm));
}

TEST_F(V0EngineTest, ChunkedPrefillGivesTheGoldenTokens) {
  EngineConfig wish = v0_config();
  wish.enable_chunked_prefill = true;
  wish.max_num_seqs = 8;
  wish.max_num_batched_tokens = 16;
  LLM llm(wish);
  expect_golden(generate(llm));
  const EngineStats stats = llm.engine().stats();
  EXPECT_LE(stats.num_scheduled_tokens, 16 * stats.num_steps);
}

TEST_F(V0EngineTest, RecomputedRequestsGiveTheGoldenTokens) {
  EngineConfig wish = v0_config();
  wish.num_gpu_blocks_override = 160;
  LLM llm(wish);
  const std::vector<RequestOutput> outputs = generate(llm, 2);
  expect_golden(outputs);
  EXPECT_GT(num_preemptions(outputs), 0);
}

TEST_F(V0EngineTest, SwappedRequestsGiveTheGoldenTokens) {
  EngineConfig wish = v0_config();
  wish.num_gpu_blocks_override = 160;
  wish.preemption_mode = "swap";
  wish.swap_space = 0.25;
  LLM llm(wish);
  const int64_t num_prompt_tokens = [&] {
    int64_t num = 0;
    for (const GoldenSteps& golden : goldens_)
      num += static_cast<int64_t>(golden.prompt_ids.size());
    return num;
  }();
  const std::vector<RequestOutput> outputs = generate(llm, 2);
  expect_golden(outputs);
  EXPECT_GT(num_preemptions(outputs), 0);
  // Each prompt was computed once, and each other token: nothing was recomputed.
  int64_t num_output_tokens = 0;
  for (const RequestOutput& output : outputs)
    num_output_tokens += static_cast<int64_t>(output.outputs.at(0).token_ids.size()) - 1;
  EXPECT_EQ(llm.engine().stats().num_scheduled_tokens, 2 * num_prompt_tokens + num_output_tokens);
}

TEST_F(V0EngineTest, AWarmPrefixCacheGivesTheGoldenTokens) {
  EngineConfig wish = v0_config();
  wish.enable_prefix_caching = true;
  LLM llm(wish);
  expect_golden(generate(llm));
  const std::vector<RequestOutput> warm = generate(llm);
  expect_golden(warm);
  EXPECT_GT(num_cached_tokens(warm), 0);
}

// Forked completions draw what requests of their own draw under V1.
TEST_F(V0EngineTest, CompletionsOfOnePromptEqualThoseOfV1) {
  SamplingParams params;
  params.n = 4;
  params.seed = 7;
  params.max_tokens = 24;
  params.ignore_eos = true;
  const std::vector<Prompt> prompt = {{.token_ids = goldens_[0].prompt_ids}};
  EngineConfig wish = v0_config();
  std::vector<std::vector<std::vector<int32_t>>> tokens;
  for (const char* scheduler : {"v0", "v1"}) {
    wish.scheduler = scheduler;
    LLM llm(wish);
    const RequestOutput output =
        llm.generate(prompt, std::span(&params, 1), {.use_tqdm = false})[0];
    EXPECT_EQ(llm.engine().stats().uses_v0, wish.scheduler == "v0");
    auto& completions = tokens.emplace_back();
    for (const CompletionOutput& completion : output.outputs)
      completions.push_back(completion.token_ids);
    if (wish.scheduler != "v0") continue;
    const auto num_prompt_tokens = static_cast<int64_t>(goldens_[0].prompt_ids.size());
    EXPECT_EQ(llm.engine().stats().num_scheduled_tokens, num_prompt_tokens + 4 * 23);
  }
  EXPECT_EQ(tokens[0], tokens[1]);
  EXPECT_NE(tokens[0][0], tokens[0][1]);
}

TEST_F(V0EngineTest, SwappedCompletionsEqualUndisturbedOnes) {
  SamplingParams params;
  params.n = 3;
  params.seed = 7;
  params.max_tokens = 40;
  params.ignore_eos = true;
  std::vector<Prompt> prompts;
  for (int i = 0; i < 4; ++i)
    prompts.push_back({.token_ids = goldens_[i].prompt_ids});
  std::vector<std::vector<std::vector<int32_t>>> tokens;
  std::vector<EngineStats> stats;
  for (const bool is_scarce : {false, true}) {
    EngineConfig wish = v0_config();
    wish.max_num_seqs = 16;
    if (is_scarce) wish.num_gpu_blocks_override = 30;
    LLM llm(wish);
    const std::vector<RequestOutput> outputs =
        llm.generate(prompts, std::span(&params, 1), {.use_tqdm = false});
    auto& completions = tokens.emplace_back();
    for (const RequestOutput& output : outputs) {
      for (const CompletionOutput& completion : output.outputs)
        completions.push_back(completion.token_ids);
    }
    stats.push_back(llm.engine().stats());
  }
  EXPECT_EQ(tokens[0], tokens[1]);
  EXPECT_EQ(stats[0].num_preemptions, 0);
  EXPECT_GT(stats[1].num_preemptions, 0);
  EXPECT_EQ(stats[0].num_scheduled_tokens, stats[1].num_scheduled_tokens) << "recomputed";
}

}  // namespace
}  // namespace quire
