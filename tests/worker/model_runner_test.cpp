// Steps made by hand, against forward passes without a runner. Kernels give the same bits whatever
// else is in the batch, so results are compared exactly.
#include "worker/model_runner.h"

#include <map>
#include <numeric>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sample/sampler_fixture.h"
#include "support/paged_model.h"
#include "support/test_paths.h"

namespace quire {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int kMaxModelLen = 256;
constexpr int kBlockSize = 16;
constexpr int kNumBlocks = 200;

using TokenIds = std::vector<int32_t>;

TokenIds make_prompt(int num_tokens, int first = 3) {
  TokenIds ids(num_tokens);
  for (int i = 0; i < num_tokens; ++i)
    ids[i] = (first + 17 * i + i * i / 5) % 131;
  return ids;
}

SamplingParams greedy() {
  return {.temperature = 0.0};
}

SamplingParams seeded(int64_t seed) {
  SamplingParams params{.temperature = 0.8, .top_p = 0.95, .top_k = 40};
  params.seed = seed;
  return params;
}

std::filesystem::path model_dir() {
  return test::test_data_dir() / "models/llama";
}

KVCacheConfig one_group(const CausalLM& model) {
  const std::vector<KVCacheSpec> specs = model.kv_cache_specs();
  KVCacheGroupSpec group{.layer_indices = std::vector<int>(specs.size()), .spec = specs.front()};
  std::iota(group.layer_indices.begin(), group.layer_indices.end(), 0);
  group.spec.block_size = kBlockSize;
  return {.num_blocks = kNumBlocks, .groups = {group}};
}

// A runner and what it borrows.
struct OwnedRunner {
  ThreadPool pool;
  WeightSource source;
  std::unique_ptr<CausalLM> model;
  ModelRunner runner;

  OwnedRunner(const ModelRunnerConfig& config, const ModelConfig& model_config, WeightSource from)
      : pool(config.num_threads),
        source(std::move(from)),
        model(load_model(
            model_config,
            {.dtype = DType::kFloat32, .max_model_len = config.max_model_len},
            WeightScope(source),
            Stream::cpu(pool)
        )),
        runner(config, *model, one_group(*model), Stream::cpu(pool)) {}
};

ModelRunnerConfig runner_config(const ModelConfig& model) {
  return {
      .max_num_seqs = 4,
      .max_num_batched_tokens = 200,
      .max_model_len = kMaxModelLen,
      .vocab_size = model.vocab_size,
      .num_threads = 2,
  };
}

// The least that a scheduler does for its runner. Every block is handed out once.
class StepDriver {
 public:
  explicit StepDriver(ModelRunner& runner) : runner_(runner) {}

  void add(uint64_t id, TokenIds prompt, const SamplingParams& params) {
    Request& request = requests_[id];
    request.num_prompt_tokens = static_cast<int>(prompt.size());
    request.token_ids = std::move(prompt);
    request.params = params;
  }

  // Its blocks are gone; the next step with it starts it anew.
  void preempt(uint64_t id) {
    next_.preempted_request_ids.push_back(id);
    Request& request = requests_.at(id);
    request.num_computed_tokens = 0;
    request.num_blocks = 0;
    request.is_known = false;
  }

  void finish(uint64_t id) {
    next_.finished_request_ids.push_back(id);
    requests_.erase(id);
  }

  // One step over so many tokens of these requests, in this order. Sampled tokens are appended.
  struct Share {
    uint64_t id;
    int num_tokens;
  };
  ModelRunnerOutput step(const std::vector<Share>& shares) {
    next_.new_block_starts = {0};
    for (const Share& share : shares)
      schedule(share);
    runner_.execute(next_);
    const ModelRunnerOutput result = runner_.sample();
    for (size_t r = 0; r < shares.size(); ++r) {
      const auto sampled = result.sampled(static_cast<int>(r));
      TokenIds& ids = requests_.at(shares[r].id).token_ids;
      ids.insert(ids.end(), sampled.begin(), sampled.end());
    }
    next_.clear();
    return result;
  }

  int num_left(uint64_t id) const {  // tokens to compute
    const Request& request = requests_.at(id);
    return static_cast<int>(request.token_ids.size()) - request.num_computed_tokens;
  }

  TokenIds output(uint64_t id) const {
    const Request& request = requests_.at(id);
    return {request.token_ids.begin() + request.num_prompt_tokens, request.token_ids.end()};
  }

 private:
  struct Request {
    TokenIds token_ids;
    int num_prompt_tokens = 0;
    SamplingParams params;
    int num_computed_tokens = 0;
    int num_blocks = 0;
    bool is_known = false;
  };

  void schedule(const Share& share) {
    Request& request = requests_.at(share.id);
    ScheduledRequest scheduled{
        .request_id = share.id,
        .num_computed_tokens = request.num_computed_tokens,
        .num_scheduled_tokens = share.num_tokens,
    };
    if (!request.is_known) {
      scheduled.new_request_idx = static_cast<int>(next_.new_requests.size());
      next_.new_requests.push_back(
          {share.id, request.token_ids, request.num_prompt_tokens, request.params}
      );
      request.is_known = true;
    }
    next_.requests.push_back(scheduled);
    request.num_computed_tokens += share.num_tokens;
    next_.total_num_scheduled_tokens += share.num_tokens;
    for (; request.num_blocks * kBlockSize < request.num_computed_tokens; ++request.num_blocks)
      next_.new_block_ids.push_back(next_block_id_++);
    ASSERT_LE(next_block_id_, kNumBlocks);
    next_.new_block_starts.push_back(static_cast<int>(next_.new_block_ids.size()));
  }

  ModelRunner& runner_;
  std::map<uint64_t, Request> requests_;
  SchedulerOutput next_;
  int next_block_id_ = 1;
};

class ModelRunnerTest : public ::testing::Test {
 protected:
  // The prompt in one step, then num_tokens - 1 tokens one by one.
  TokenIds generate_alone(const TokenIds& prompt, const SamplingParams& params, int num_tokens) {
    constexpr uint64_t kId = 1000;
    driver_.add(kId, prompt, params);
    for (int i = 0; i < num_tokens; ++i)
      driver_.step({{kId, driver_.num_left(kId)}});
    const TokenIds output = driver_.output(kId);
    driver_.finish(kId);
    return output;
  }

  // Rows of all prompt tokens but the first, of logits computed all at once.
  std::vector<TokenLogprobs> expected_prompt_logprobs(const TokenIds& prompt, int num_logprobs) {
    const test::Logits logits = model_.logits(prompt);
    std::vector<TokenLogprobs> rows;
    for (size_t i = 0; i + 1 < prompt.size(); ++i) {
      rows.push_back(
          test::gather_logprobs(logits[i], prompt[i + 1], num_logprobs, LogprobsMode::kRawLogprobs)
      );
    }
    return rows;
  }

  ModelConfig model_config_ = load_model_config(model_dir());
  OwnedRunner owned_{
      runner_config(model_config_), model_config_, WeightSource::open_safetensors(model_dir())};
  StepDriver driver_{owned_.runner};
  test::PagedModel model_{model_dir(), {.max_model_len = kMaxModelLen}};
};

TEST_F(ModelRunnerTest, PromptLogprobsOfManyRowsAreThoseOfOneForwardPass) {
  const TokenIds prompt = make_prompt(150);
  ASSERT_GT(prompt.size(), 2u * kPromptLogitRows);
  SamplingParams params = greedy();
  params.prompt_logprobs = 3;
  driver_.add(1, prompt, params);
  const ModelRunnerOutput result = driver_.step({{1, 150}});
  ASSERT_THAT(result.prompt_logprobs, SizeIs(1));
  EXPECT_EQ(result.prompt_logprobs[0].positions, expected_prompt_logprobs(prompt, 3));
  EXPECT_THAT(result.sampled(0), SizeIs(1));
  EXPECT_THAT(driver_.step({{1, 1}}).prompt_logprobs, IsEmpty()) << "of an output token";
}

TEST_F(ModelRunnerTest, PromptLogprobsComeChunkByChunkForThoseWhoAskedOnly) {
  const TokenIds prompt = make_prompt(130);
  SamplingParams params = greedy();
  params.prompt_logprobs = 0;
  driver_.add(1, make_prompt(20, 50), greedy());
  driver_.add(2, prompt, params);
  std::vector<TokenLogprobs> rows;
  const auto take = [&](const ModelRunnerOutput& result, size_t num_expected) {
    ASSERT_THAT(result.prompt_logprobs, SizeIs(1));
    EXPECT_EQ(result.prompt_logprobs[0].req_idx, 1);
    const auto& positions = result.prompt_logprobs[0].positions;
    EXPECT_EQ(positions.size(), num_expected);
    rows.insert(rows.end(), positions.begin(), positions.end());
  };
  take(driver_.step({{1, 20}, {2, 100}}), 100);
  take(driver_.step({{1, 1}, {2, 10}}), 10);
  take(driver_.step({{1, 1}, {2, 20}}), 19);
  EXPECT_EQ(rows, expected_prompt_logprobs(prompt, 0));
}

TEST_F(ModelRunnerTest, PrefillAndDecodeMixInOneBatch) {
  const TokenIds prompt_1 = make_prompt(18, 1);
  const TokenIds prompt_2 = make_prompt(90, 2);
  const TokenIds prompt_3 = make_prompt(33, 3);
  driver_.add(1, prompt_1, greedy());
  driver_.add(2, prompt_2, greedy());
  driver_.add(3, prompt_3, greedy());
  driver_.step({{1, 18}});
  // A decode, a chunk that does not reach the last token, a whole prompt.
  const ModelRunnerOutput mixed = driver_.step({{1, 1}, {2, 50}, {3, 33}});
  EXPECT_THAT(mixed.sampled(0), SizeIs(1));
  EXPECT_THAT(mixed.sampled(1), IsEmpty());
  EXPECT_THAT(mixed.sampled(2), SizeIs(1));
  EXPECT_THAT(mixed.sampled_starts, ElementsAre(0, 1, 1, 2));
  driver_.step({{3, 1}, {2, 40}, {1, 1}});
  driver_.step({{2, 1}, {1, 1}, {3, 1}});
  EXPECT_EQ(driver_.output(1), model_.greedy(prompt_1, 4));
  EXPECT_EQ(driver_.output(2), model_.greedy(prompt_2, 2));
  EXPECT_EQ(driver_.output(3), model_.greedy(prompt_3, 3));
}

TEST_F(ModelRunnerTest, APreemptedRequestGoesOnWithOtherBlocks) {
  const TokenIds prompt_1 = make_prompt(40, 1);
  const TokenIds prompt_2 = make_prompt(20, 2);
  const TokenIds expected_1 = generate_alone(prompt_1, seeded(5), 8);
  driver_.add(1, prompt_1, seeded(5));
  driver_.add(2, prompt_2, greedy());
  driver_.step({{1, 40}, {2, 20}});
  driver_.step({{1, 1}, {2, 1}});
  driver_.step({{1, 1}, {2, 1}});
  EXPECT_EQ(owned_.runner.num_live_requests(), 2);
  driver_.preempt(1);
  driver_.step({{2, 1}});
  EXPECT_EQ(owned_.runner.num_live_requests(), 1);
  // Prompt and output are computed again, in chunks; preempted once more in between.
  EXPECT_EQ(driver_.num_left(1), 43);
  driver_.step({{2, 1}, {1, 30}});
  driver_.preempt(1);
  EXPECT_THAT(driver_.step({{1, 20}, {2, 1}}).sampled(0), IsEmpty()) << "back in the same step";
  driver_.step({{2, 1}, {1, 23}});
  while (driver_.output(1).size() < 8)
    driver_.step({{1, 1}});
  EXPECT_EQ(driver_.output(1), expected_1);
  EXPECT_EQ(driver_.output(2), model_.greedy(prompt_2, 7));
}

TEST_F(ModelRunnerTest, SeededRowsAreTheSameAloneAndInABatch) {
  const TokenIds prompt = make_prompt(25);
  const TokenIds seed_1 = generate_alone(prompt, seeded(1), 12);
  const TokenIds seed_2 = generate_alone(prompt, seeded(2), 12);
  EXPECT_NE(seed_1, seed_2);
  EXPECT_NE(seed_1, model_.greedy(prompt, 12)) << "nothing was drawn";
  driver_.add(1, prompt, seeded(2));
  driver_.add(2, make_prompt(9), greedy());
  driver_.add(3, prompt, seeded(1));
  driver_.add(4, prompt, seeded(2));
  driver_.step({{1, 25}, {2, 9}, {3, 10}});
  driver_.step({{3, 15}, {2, 1}, {4, 25}, {1, 1}});
  while (driver_.output(4).size() < 12)
    driver_.step({{1, 1}, {2, 1}, {3, 1}, {4, 1}});
  EXPECT_EQ(driver_.output(3), seed_1);
  EXPECT_EQ(driver_.output(4), seed_2);
  const TokenIds output_1 = driver_.output(1);
  EXPECT_EQ(TokenIds(output_1.begin(), output_1.begin() + 12), seed_2);
}

TEST_F(ModelRunnerTest, ASlotKeepsNothingOfTheRequestBefore) {
  const TokenIds prompt = make_prompt(25);
  SamplingParams picky = greedy();
  picky.logprobs = 2;
  picky.prompt_logprobs = 1;
  picky.repetition_penalty = 2.0;
  picky.logit_bias = {{7, 100.0f}};
  driver_.add(1, prompt, picky);
  const ModelRunnerOutput before = driver_.step({{1, 25}});
  EXPECT_THAT(before.sampled(0), ElementsAre(7));
  ASSERT_THAT(before.logprobs, SizeIs(1));
  EXPECT_THAT(before.logprobs[0].positions, SizeIs(1));
  driver_.finish(1);
  driver_.add(2, prompt, greedy());
  const ModelRunnerOutput after = driver_.step({{2, 25}});
  EXPECT_THAT(after.logprobs, IsEmpty());
  EXPECT_THAT(after.prompt_logprobs, IsEmpty());
  EXPECT_EQ(driver_.output(2), model_.greedy(prompt, 1));
}

TEST(ModelRunnerWorkspace, HoldsAStepInWhichEveryTokenSamples) {
  ModelConfig model = load_model_config(model_dir());
  model.vocab_size = 10000;  // so that logits take more than the layers do
  ModelRunnerConfig config = runner_config(model);
  config.max_num_seqs = config.max_num_batched_tokens = 100;
  OwnedRunner owned(config, model, WeightSource::dummy(DType::kFloat32, 0));
  StepDriver driver(owned.runner);
  std::vector<StepDriver::Share> shares;
  for (uint64_t id = 0; id < 100; ++id) {
    SamplingParams params = seeded(static_cast<int64_t>(id));
    params.prompt_logprobs = 0;
    driver.add(id, {static_cast<int32_t>(id)}, params);
    shares.push_back({id, 1});
  }
  EXPECT_THAT(driver.step(shares).sampled_token_ids, SizeIs(100));
}

}  // namespace
}  // namespace quire
