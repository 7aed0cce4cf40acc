#include "support/sampling_goldens.h"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "sample/sampler.h"
#include "sample/sampler_fixture.h"
#include "support/reference_sampling.h"

// The whole sampler against a float64 oracle that somebody else wrote (tests/data/README.md).
namespace quire {
namespace {

constexpr double kEpsilon = std::numeric_limits<float>::epsilon();

class SamplingGoldens : public testing::TestWithParam<test::SamplingGolden> {
 protected:
  int vocab_size() const { return static_cast<int>(GetParam().logits.size()); }
  test::TestRow row() const {
    return {
        .logits = GetParam().logits,
        .prompt = GetParam().prompt_token_ids,
        .output = GetParam().output_token_ids};
  }
  SamplingParams params() const {
    SamplingParams params = GetParam().params;
    params.validate();
    return params;
  }
  // Values of the whole vocabulary as `mode` reports them.
  test::Row reported(SamplingParams params, LogprobsMode mode) const {
    params.logprobs = -1;
    test::TestSampler sampler(vocab_size(), mode);
    sampler.add(0, params);
    const TokenLogprobs logprobs = sampler.logprobs(row());
    EXPECT_EQ(logprobs.token_ids.size(), 1 + GetParam().logits.size());
    test::Row values(vocab_size(), std::nan(""));
    for (size_t i = 1; i < logprobs.token_ids.size(); ++i) {
      values.at(logprobs.token_ids[i]) = logprobs.logprobs[i];
    }
    return values;
  }
};

class GreedyGoldens : public SamplingGoldens {};
class RandomGoldens : public SamplingGoldens {};

// Bias, repetition, frequency and presence round once each.
TEST_P(SamplingGoldens, MasksBiasAndPenaltiesGiveTheLogits) {
  SamplingParams greedy = params();
  greedy.temperature = 0.0;
  const test::Row actual = reported(greedy, LogprobsMode::kProcessedLogits);
  for (size_t id = 0; id < actual.size(); ++id) {
    const double expected = GetParam().processed_logits[id];
    if (std::isinf(expected)) {
      ASSERT_EQ(actual[id], expected) << "token " << id;
      continue;
    }
    const double size = std::max(std::abs(expected), 2.0 * std::abs(GetParam().logits[id])) + 2.0;
    ASSERT_NEAR(actual[id], expected, 4.0 * kEpsilon * size) << "token " << id;
  }
}

TEST_P(GreedyGoldens, TakeTheBest) {
  test::TestSampler sampler(vocab_size());
  EXPECT_EQ(sampler.first_token(params(), row()), *GetParam().greedy_id);
}

TEST_P(RandomGoldens, HaveTheProbabilities) {
  const test::Row actual = reported(params(), LogprobsMode::kProcessedLogprobs);
  double largest = 1.0;  // of the logits, and so of their rounding errors
  for (const double logit : GetParam().processed_logits) {
    if (std::isfinite(logit)) largest = std::max(largest, std::abs(logit));
  }
  const double tolerance = kEpsilon * (16.0 + 8.0 * largest / params().temperature);
  for (size_t id = 0; id < actual.size(); ++id) {
    const double expected = GetParam().probs[id];
    const double prob = std::exp(actual[id]);
    ASSERT_EQ(prob > 0.0, expected > 0.0) << "token " << id << ", probability " << expected;
    ASSERT_NEAR(prob, expected, tolerance * expected) << "token " << id;
  }
}

TEST_P(RandomGoldens, DrawWhatTheRaceOverTheProbabilitiesGives) {
  const uint64_t position = GetParam().prompt_token_ids.size() + GetParam().output_token_ids.size();
  test::TestSampler sampler(vocab_size());
  for (int64_t seed = 0; seed < 100; ++seed) {
    SamplingParams seeded = params();
    seeded.seed = seed;
    const DrawKey key{.seed = static_cast<uint64_t>(seed), .position = position};
    ASSERT_EQ(sampler.first_token(seeded, row()), test::reference_draw(GetParam().probs, key))
        << "seed " << seed;
  }
}

TEST_P(SamplingGoldens, RawLogprobsAndRanksAreThoseOfTheUntouchedLogits) {
  const auto num_best = static_cast<size_t>(GetParam().params.logprobs.value_or(0));
  SamplingParams asking = params();
  asking.logprobs = static_cast<int>(num_best);
  test::TestSampler sampler(vocab_size());
  sampler.add(0, asking);
  const TokenLogprobs reported = sampler.logprobs(row());
  ASSERT_EQ(reported.token_ids.size(), 1 + num_best);
  for (size_t i = 0; i < GetParam().raw_logprobs.size(); ++i) {
    const auto& expected = GetParam().raw_logprobs[i];
    const double tolerance = 4.0 * kEpsilon * (std::abs(expected.logprob) + 8.0);
    const TokenLogprobs own =
        test::gather_logprobs(GetParam().logits, expected.token_id, 0, LogprobsMode::kRawLogprobs);
    EXPECT_EQ(own.rank, expected.rank) << "token " << expected.token_id;
    EXPECT_NEAR(own.logprobs[0], expected.logprob, tolerance) << "token " << expected.token_id;
    if (i >= num_best) continue;
    EXPECT_EQ(reported.token_ids[1 + i], expected.token_id) << "place " << i;
    EXPECT_NEAR(reported.logprobs[1 + i], expected.logprob, tolerance) << "place " << i;
  }
}

std::string case_name(const testing::TestParamInfo<test::SamplingGolden>& info) {
  std::string name;
  for (const char c : info.param.name)
    name += std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return std::to_string(info.index) + "_" + name;
}

std::vector<test::SamplingGolden> goldens(bool greedy) {
  auto all = test::load_sampling_goldens();
  std::erase_if(all, [&](const auto& golden) { return golden.greedy_id.has_value() != greedy; });
  return all;
}

INSTANTIATE_TEST_SUITE_P(
    All, SamplingGoldens, testing::ValuesIn(test::load_sampling_goldens()), case_name
);
INSTANTIATE_TEST_SUITE_P(Greedy, GreedyGoldens, testing::ValuesIn(goldens(true)), case_name);
INSTANTIATE_TEST_SUITE_P(Random, RandomGoldens, testing::ValuesIn(goldens(false)), case_name);

}  // namespace

namespace test {
// How a failing case is shown.
void PrintTo(const SamplingGolden& golden, std::ostream* out) {
  *out << golden.name;
}
}  // namespace test

}  // namespace quire
