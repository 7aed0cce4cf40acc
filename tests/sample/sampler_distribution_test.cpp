#include <vector>

#include <gtest/gtest.h>

#include "sample/sampler_fixture.h"
#include "support/reference_sampling.h"

// Draws follow the distribution that the parameters describe. Seeds are fixed, so the outcome is
// too; a wrong distribution would fail all but once in a million seeds.
namespace quire {
namespace {

constexpr int kVocabSize = 40;
constexpr int kNumDraws = 20000;

struct Distribution {
  const char* name;
  SamplingParams params;
};

void PrintTo(const Distribution& distribution, std::ostream* out) {
  *out << distribution.name;
}

class SamplerDistribution : public testing::TestWithParam<Distribution> {
 protected:
  const std::vector<float> logits_ = test::random_logits(kVocabSize, 12);

  test::Row expected() const {
    return test::reference_softmax(
        test::reference_truncate({logits_.begin(), logits_.end()}, GetParam().params)
    );
  }
  static int num_possible(const test::Row& probs) {
    return static_cast<int>(std::ranges::count_if(probs, [](double p) { return p > 0.0; }));
  }
};

TEST_P(SamplerDistribution, HoldsOverThePositionsOfOneRequest) {
  test::TestSampler sampler(kVocabSize, LogprobsMode::kRawLogprobs, 1);
  SamplingParams params = GetParam().params;
  params.seed = 1234;
  sampler.add(0, params);
  test::TestRow row{.logits = logits_};
  std::vector<int> counts(kVocabSize);
  for (int i = 0; i < kNumDraws; ++i) {
    row.prompt.resize(1 + i % 2000);
    if (i % 2000 == 0 && i > 0) {
      sampler.remove(0);
      params.seed = 1234 + i;
      sampler.add(0, params);
    }
    ++counts.at(sampler.token(row));
  }
  const test::Row probs = expected();
  EXPECT_LT(test::chi_square(counts, probs), test::chi_square_limit(num_possible(probs) - 1));
}

// Many requests at the same position: their seeds, not their positions, differ.
TEST_P(SamplerDistribution, HoldsOverTheRequestsOfOneEngine) {
  test::TestSampler sampler(kVocabSize, LogprobsMode::kRawLogprobs, 1);
  std::vector<int> counts(kVocabSize);
  for (int i = 0; i < kNumDraws; ++i) {
    ++counts.at(sampler.first_token(GetParam().params, {.logits = logits_}, i));
  }
  const test::Row probs = expected();
  EXPECT_LT(test::chi_square(counts, probs), test::chi_square_limit(num_possible(probs) - 1));
}

INSTANTIATE_TEST_SUITE_P(
    All,
    SamplerDistribution,
    testing::Values(
        Distribution{"Plain", {}},
        Distribution{"Cold", {.temperature = 0.5}},
        Distribution{"Hot", {.temperature = 1.7}},
        Distribution{"TopK", {.top_k = 7}},
        Distribution{"TopP", {.top_p = 0.8}},
        Distribution{"MinP", {.min_p = 0.1}},
        Distribution{"TopKTopP", {.top_p = 0.7, .top_k = 12}},
        Distribution{"Everything", {.temperature = 1.3, .top_p = 0.9, .top_k = 20, .min_p = 0.02}}
    ),
    [](const auto& info) { return info.param.name; }
);

// The check itself: draws from a slightly different distribution do fail it.
TEST(ChiSquare, NoticesAWrongTemperature) {
  const auto logits = test::random_logits(kVocabSize, 12);
  const test::Row row(logits.begin(), logits.end());
  const test::Row right = test::reference_softmax(row);
  const test::Row wrong =
      test::reference_softmax(test::reference_truncate(row, {.temperature = 1.1}));
  std::vector<int> counts(kVocabSize);
  for (uint64_t i = 0; i < kNumDraws; ++i) {
    ++counts.at(test::reference_draw(wrong, {.seed = 5, .position = i}));
  }
  EXPECT_GT(test::chi_square(counts, right), test::chi_square_limit(kVocabSize - 1));
  EXPECT_LT(test::chi_square(counts, wrong), test::chi_square_limit(kVocabSize - 1));
}

}  // namespace
}  // namespace quire
