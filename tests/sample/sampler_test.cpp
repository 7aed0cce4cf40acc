#include "sample/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "quire/error.h"
#include "quire/logits_processor.h"
#include "sample/sampler_fixture.h"
#include "support/reference_sampling.h"

namespace quire {
namespace {

using test::TestRow;
using test::TestSampler;
using Ids = std::vector<int32_t>;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// Requests of every kind; the row of each is among a batch of the others.
std::vector<SamplingParams> mixed_params() {
  std::vector<SamplingParams> all = {
      {.temperature = 0.0},
      {.seed = 1},
      {.temperature = 0.7, .top_p = 0.9, .seed = 2},
      {.top_k = 20, .seed = 3},
      {.top_p = 0.95, .top_k = 50, .min_p = 0.01, .seed = 4},
      {.min_p = 0.1, .seed = 5},
      {.presence_penalty = 0.5, .frequency_penalty = 0.5, .repetition_penalty = 1.2, .seed = 6},
      {.temperature = 2.0, .seed = 7, .logit_bias = {{3, 5.0f}}},
  };
  all[7].bad_words_token_ids = {{9}, {2, 4}};
  return all;
}

TestRow mixed_row(int i) {
  const auto id = static_cast<int32_t>(i);
  return {
      .slot = i,
      .logits = test::random_logits(1000, static_cast<uint32_t>(i)),
      .prompt = Ids(1 + i % 7, id),
      .output = Ids(i % 5, id + 1)};
}

TEST(Sampler, GivesARowTheSameTokenAloneAndAmongSixtyFour) {
  constexpr int kNumRows = 64;
  const auto params = mixed_params();
  for (const int num_threads : {1, 2, 5}) {
    TestSampler sampler(1000, LogprobsMode::kRawLogprobs, num_threads);
    std::vector<TestRow> rows;
    for (int i = 0; i < kNumRows; ++i) {
      sampler.add(i, params[i % params.size()], i);
      rows.push_back(mixed_row(i));
    }
    const Ids together = sampler.step(rows).token_ids;
    ASSERT_EQ(together.size(), size_t{kNumRows});
    for (int i = 0; i < kNumRows; ++i) {
      TestSampler alone(1000, LogprobsMode::kRawLogprobs, 1);
      EXPECT_EQ(alone.first_token(params[i % params.size()], rows[i]), together[i]) << "row " << i;
    }
  }
}

// Decodes `num_tokens` tokens; before token `preempted_at` the request loses its slot and comes
// back in another one.
Ids decode(SamplingParams params, int num_tokens, int preempted_at) {
  TestSampler sampler(500);
  TestRow row{.slot = 3, .prompt = {5, 6, 7}};
  sampler.add(row.slot, params, 12);
  for (int i = 0; i < num_tokens; ++i) {
    if (i == preempted_at) {
      sampler.remove(row.slot);
      row.slot = 40;
      sampler.add(row.slot, params, 12);
    }
    row.logits = test::random_logits(500, static_cast<uint32_t>(i));
    row.output.push_back(sampler.token(row));
  }
  return row.output;
}

TEST(Sampler, GoesOnAfterPreemptionAsIfNothingHappened) {
  for (const SamplingParams& params : mixed_params()) {
    EXPECT_EQ(decode(params, 30, 11), decode(params, 30, -1));
  }
  SamplingParams unseeded{.frequency_penalty = 0.5};
  EXPECT_EQ(decode(unseeded, 30, 11), decode(unseeded, 30, -1)) << "without a seed of its own";
}

TEST(Sampler, GivesTheSameTextForTheSameSeedWhateverTheRequest) {
  TestSampler sampler(1000);
  TestSampler other_engine(1000, LogprobsMode::kRawLogprobs, 1, 99);
  const TestRow row{.logits = test::random_logits(1000, 1)};
  std::set<int32_t> drawn;
  for (int64_t seed = 0; seed < 50; ++seed) {
    const SamplingParams params{.seed = seed};
    const int32_t token = sampler.first_token(params, row, 1);
    EXPECT_EQ(sampler.first_token(params, row, 2), token);
    EXPECT_EQ(other_engine.first_token(params, row, 3), token);
    drawn.insert(token);
  }
  EXPECT_GT(drawn.size(), 10u) << "seeds make no difference";
}

TEST(Sampler, DrawsUnseededRequestsByTheEnginesSeedAndTheirId) {
  TestSampler sampler(1000, LogprobsMode::kRawLogprobs, 1, 7);
  TestSampler same(1000, LogprobsMode::kRawLogprobs, 1, 7);
  TestSampler other(1000, LogprobsMode::kRawLogprobs, 1, 8);
  const TestRow row{.logits = test::random_logits(1000, 1, 0.5f)};
  int num_equal = 0;
  std::set<int32_t> drawn;
  for (uint64_t id = 0; id < 50; ++id) {
    const int32_t token = sampler.first_token({}, row, id);
    EXPECT_EQ(same.first_token({}, row, id), token);
    num_equal += other.first_token({}, row, id) == token;
    drawn.insert(token);
  }
  EXPECT_LT(num_equal, 10);
  EXPECT_GT(drawn.size(), 10u);
}

TEST(Sampler, GreedyTakesTheLowestIdAmongEquals) {
  TestSampler sampler(5);
  EXPECT_EQ(sampler.first_token({.temperature = 0.0}, {.logits = {0, 2, 1, 2, 2}}), 1);
}

TEST(Sampler, GreedyPenaltiesCanTurnTheChoice) {
  TestSampler sampler(3);
  const TestRow row{.logits = {2.0f, 1.8f, 0.0f}, .prompt = {0}, .output = {}};
  EXPECT_EQ(sampler.first_token({.temperature = 0.0}, row), 0);
  EXPECT_EQ(sampler.first_token({.repetition_penalty = 1.5, .temperature = 0.0}, row), 1);
  EXPECT_EQ(sampler.first_token({.presence_penalty = 1.0, .temperature = 0.0}, row), 0)
      << "presence does not look at the prompt";
}

// The tokens drawn by 200 seeds.
std::set<int32_t> drawn_tokens(SamplingParams params, const std::vector<float>& logits) {
  TestSampler sampler(static_cast<int>(logits.size()));
  std::set<int32_t> tokens;
  for (params.seed = 0; *params.seed < 200; ++*params.seed) {
    tokens.insert(sampler.first_token(params, {.logits = logits}));
  }
  return tokens;
}

TEST(Sampler, TopKKeepsTiesWithTheKth) {
  EXPECT_EQ(drawn_tokens({.top_k = 2}, {3, 2, 2, 2, 0}), (std::set<int32_t>{0, 1, 2, 3}));
}

TEST(Sampler, TopKOneIsGreedy) {
  EXPECT_EQ(drawn_tokens({.temperature = 5.0, .top_k = 1}, {0, 1, 2, 1.9}), (std::set<int32_t>{2}));
}

TEST(Sampler, TinyTopPIsGreedy) {
  EXPECT_EQ(drawn_tokens({.temperature = 5.0, .top_p = 1e-9}, {0, 1, 2}), (std::set<int32_t>{2}));
}

TEST(Sampler, MinPGoesByTheBestProbability) {
  const std::vector<float> logits = {0.0f, std::log(0.6f), std::log(0.4f)};
  EXPECT_EQ(drawn_tokens({.min_p = 0.5}, logits), (std::set<int32_t>{0, 1}));
  EXPECT_EQ(drawn_tokens({.temperature = 2.0, .min_p = 0.5}, logits), (std::set<int32_t>{0, 1, 2}));
}

TEST(Sampler, DrawsOnlyAllowedTokensWithEveryTruncation) {
  SamplingParams params{.temperature = 3.0, .allowed_token_ids = Ids{1, 4, 6}};
  const std::vector<float> logits = {9, 1, 9, 9, 1, 9, 1, 9};
  const std::set<int32_t> allowed = {1, 4, 6};
  EXPECT_EQ(drawn_tokens(params, logits), allowed);
  params.top_k = 5;
  EXPECT_EQ(drawn_tokens(params, logits), allowed);
  params.top_p = 0.99;
  EXPECT_EQ(drawn_tokens(params, logits), allowed);
  params.top_k = 0;
  EXPECT_EQ(drawn_tokens(params, logits), allowed);
}

TEST(Sampler, TakesTheFirstAllowedTokenWhenTheRulesLeaveNone) {
  SamplingParams params{.allowed_token_ids = Ids{6, 4}};
  params.bad_words_token_ids = {{4}, {6}};
  TestSampler sampler(8);
  const TestRow row{.logits = std::vector<float>(8, 1.0f)};
  for (const double temperature : {0.0, 1.0}) {
    params.temperature = temperature;
    EXPECT_EQ(sampler.first_token(params, row), 4);
    params.top_k = 3;
    params.top_p = 0.5;
    EXPECT_EQ(sampler.first_token(params, row), 4);
  }
}

TEST(Sampler, SurvivesLogitsThatAreNoNumbers) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  TestSampler sampler(4);
  for (SamplingParams params : mixed_params()) {
    params.logit_bias.clear();
    params.bad_words_token_ids.clear();
    params.logprobs = 4;
    EXPECT_EQ(sampler.first_token(params, {.logits = std::vector<float>(4, nan)}), 0);
    EXPECT_EQ(sampler.first_token(params, {.logits = std::vector<float>(4, -kInfinity)}), 0);
    EXPECT_EQ(sampler.first_token(params, {.logits = {nan, -kInfinity, 1.0f, nan}}), 2);
    EXPECT_EQ(sampler.first_token(params, {.logits = {nan, 1.0f, kInfinity, 1.0f}}), 2);
  }
}

TEST(Sampler, ReportsLogprobsOnlyToRowsThatAsked) {
  TestSampler sampler(100);
  std::vector<TestRow> rows;
  for (int i = 0; i < 6; ++i) {
    SamplingParams params{.temperature = 0.0};
    if (i % 2 == 1) params.logprobs = i;
    sampler.add(i, params);
    rows.push_back({.slot = i, .logits = test::random_logits(100, static_cast<uint32_t>(i))});
  }
  const SamplerOutput& output = sampler.step(rows);
  EXPECT_EQ(output.logprob_rows, (std::vector<int>{1, 3, 5}));
  ASSERT_EQ(output.logprobs.size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(output.logprobs[i].token_ids.size(), 1 + 2 * i + 1);
    EXPECT_EQ(output.logprobs[i].token_ids[0], output.token_ids[2 * i + 1]);
    EXPECT_EQ(output.logprobs[i].rank, 1);
  }
}

// The raw modes look at the logits before any rule, the processed ones after all of them.
TEST(Sampler, ReportsRawOrProcessedValues) {
  const SamplingParams params{
      .temperature = 0.5, .top_k = 2, .logprobs = -1, .logit_bias = {{0, 1.0f}}};
  const TestRow row{.logits = {1.0f, 1.5f, 0.5f}};
  const auto values = [&](LogprobsMode mode) {
    TestSampler sampler(3, mode);
    sampler.add(0, params);
    const TokenLogprobs out = sampler.logprobs(row);
    test::Row by_id(3);
    for (size_t i = 1; i < 4; ++i)
      by_id.at(out.token_ids[i]) = out.logprobs[i];
    return by_id;
  };
  EXPECT_EQ(values(LogprobsMode::kRawLogits), (test::Row{1.0, 1.5, 0.5}));
  EXPECT_EQ(values(LogprobsMode::kProcessedLogits), (test::Row{4.0, 3.0, -kInfinity}));
  const double raw_sum = std::exp(1.0) + std::exp(1.5) + std::exp(0.5);
  EXPECT_NEAR(values(LogprobsMode::kRawLogprobs)[1], 1.5 - std::log(raw_sum), 1e-6);
  const double processed_sum = std::exp(4.0) + std::exp(3.0);
  EXPECT_NEAR(values(LogprobsMode::kProcessedLogprobs)[0], 4.0 - std::log(processed_sum), 1e-6);
  EXPECT_EQ(values(LogprobsMode::kProcessedLogprobs)[2], -kInfinity);
}

TEST(Sampler, ReportsTheTokensThatWereNamedInsteadOfTheLikeliest) {
  TestSampler sampler(100);
  sampler.add(0, {.temperature = 0.0, .logprob_token_ids = Ids{42, 7}});
  std::vector<float> logits(100, 0.0f);
  logits[3] = 5.0f;
  EXPECT_EQ(sampler.logprobs({.logits = logits}).token_ids, (Ids{3, 42, 7}));
}

// Bans one token, remembers what it was shown, and throws at a given length.
class Ban final : public LogitsProcessor {
 public:
  explicit Ban(int32_t token_id, size_t fails_at = 99) : token_id_(token_id), fails_at_(fails_at) {}
  void apply(
      std::span<const int32_t> prompt_token_ids,
      std::span<const int32_t> output_token_ids,
      std::span<float> logits
  ) override {
    if (output_token_ids.size() == fails_at_) throw std::runtime_error("no rule for that");
    prompt_ids_.assign(prompt_token_ids.begin(), prompt_token_ids.end());
    output_ids_.assign(output_token_ids.begin(), output_token_ids.end());
    logits[token_id_] = -std::numeric_limits<float>::infinity();
  }

  Ids prompt_ids_, output_ids_;

 private:
  int32_t token_id_;
  size_t fails_at_;
};

TEST(Sampler, ShowsAUsersProcessorTheTokensAndTakesItsLogits) {
  TestSampler sampler(4);
  const auto ban = std::make_shared<Ban>(2);
  sampler.add(0, {.temperature = 0.0, .logprobs = 0, .logits_processors = {ban}});
  const TestRow row{.logits = {1, 2, 5, 3}, .prompt = {1, 0}, .output = {3}};
  EXPECT_EQ(sampler.token(row), 3);
  EXPECT_EQ(ban->prompt_ids_, (Ids{1, 0}));
  EXPECT_EQ(ban->output_ids_, Ids{3});
  EXPECT_EQ(sampler.logprobs(row).rank, 2) << "raw logprobs are the model's own";
  sampler.remove(0);
  EXPECT_EQ(ban.use_count(), 1) << "a slot that is free holds nothing";
}

TEST(Sampler, AppliesAUsersProcessorAfterTheBiasAndBeforePenalties) {
  TestSampler sampler(3);
  const auto ban = std::make_shared<Ban>(0);
  sampler.add(
      0,
      {.presence_penalty = 2.0,
       .temperature = 0.0,
       .logit_bias = {{0, 50.0f}},
       .logits_processors = {ban}}
  );
  EXPECT_EQ(sampler.token({.logits = {0, 3, 2}, .output = {1}}), 2);
}

TEST(Sampler, FailsTheRowAloneWhoseProcessorThrows) {
  TestSampler sampler(4);
  for (int slot = 0; slot < 3; ++slot) {
    const auto ban = std::make_shared<Ban>(2, slot == 1 ? 0 : 99);
    sampler.add(slot, {.temperature = 0.0, .logits_processors = {ban}});
  }
  sampler.add(3, {.temperature = 0.0});
  std::vector<TestRow> rows;
  for (int slot = 0; slot < 4; ++slot)
    rows.push_back({.slot = slot, .logits = {1, 2, 5, 3}});
  const SamplerOutput& output = sampler.step(rows);
  EXPECT_EQ(output.token_ids, (Ids{3, 0, 3, 2}));
  ASSERT_EQ(output.failures.size(), 1u);
  EXPECT_EQ(output.failures[0].row, 1);
  EXPECT_EQ(output.failures[0].reason, "no rule for that");
  rows[1].output = {7};
  EXPECT_TRUE(sampler.step(rows).failures.empty());
}

// Makes every logit the same.
class Fill final : public LogitsProcessor {
 public:
  explicit Fill(float value) : value_(value) {}
  void apply(std::span<const int32_t>, std::span<const int32_t>, std::span<float> logits) override {
    std::ranges::fill(logits, value_);
  }

 private:
  float value_;
};

TEST(Sampler, FailsTheRowAloneWhoseProcessorLeavesNoToken) {
  for (const float nothing : {-kInfinity, std::numeric_limits<float>::quiet_NaN()}) {
    for (const double temperature : {0.0, 1.0}) {
      TestSampler sampler(4);
      const auto ban_all = std::make_shared<Fill>(nothing);
      sampler.add(0, {.temperature = temperature, .logits_processors = {ban_all}});
      sampler.add(1, {.temperature = 0.0, .logits_processors = {std::make_shared<Fill>(-1e30f)}});
      sampler.add(2, {.temperature = 0.0});
      std::vector<TestRow> rows;
      for (int slot = 0; slot < 3; ++slot)
        rows.push_back({.slot = slot, .logits = {1, 2, 5, 3}});
      const SamplerOutput& output = sampler.step(rows);
      ASSERT_EQ(output.failures.size(), 1u) << nothing << " at temperature " << temperature;
      EXPECT_EQ(output.failures[0].row, 0);
      EXPECT_THAT(output.failures[0].reason, testing::HasSubstr("every logit is -infinity or NaN"));
      EXPECT_EQ(output.token_ids[1], 0) << "a low logit is still one";
      EXPECT_EQ(output.token_ids[2], 2);
    }
  }
}

TEST(Sampler, RefusesASlotThatIsTaken) {
  TestSampler sampler(10);
  sampler.add(2, {});
  EXPECT_THROW(sampler.add(2, {}), InternalError);
  sampler.remove(2);
  sampler.add(2, {});
}

TEST(Sampler, RefusesARowWithoutARequest) {
  TestSampler sampler(3);
  EXPECT_THROW(sampler.token({.slot = 1, .logits = {1, 2, 3}}), InternalError);
}

TEST(Sampler, HasNothingToDoForNoRows) {
  TestSampler sampler(3);
  EXPECT_TRUE(sampler.step({}).token_ids.empty());
}

}  // namespace
}  // namespace quire
