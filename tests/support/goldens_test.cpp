#include "support/goldens.h"

#include <algorithm>
#include <filesystem>
#include <numeric>

#include <gtest/gtest.h>

#include "support/logits_goldens.h"
#include "support/sampling_goldens.h"
#include "support/test_paths.h"

namespace quire::test {
namespace {

constexpr int32_t kEndOfText = 0;
constexpr int32_t kEndOfTurn = 2;

class SmallChatGoldensTest : public testing::TestWithParam<const char*> {};

TEST_P(SmallChatGoldensTest, HoldTwelveShortAndTenLongPrompts) {
  const auto goldens = load_small_chat_goldens(GetParam());
  ASSERT_EQ(goldens.size(), 22);
  EXPECT_EQ(std::ranges::count(goldens, "short", &GoldenSteps::kind), 12);
  EXPECT_EQ(std::ranges::count(goldens, "long", &GoldenSteps::kind), 10);
  EXPECT_EQ(goldens.back().prompt_ids.size(), 1900);
}

TEST_P(SmallChatGoldensTest, GiveEveryStepItsBestTwoTokens) {
  for (const GoldenSteps& golden : load_small_chat_goldens(GetParam())) {
    const size_t num_steps = golden.greedy_ids.size();
    ASSERT_GT(num_steps, 0);
    ASSERT_EQ(golden.logprobs.size(), num_steps);
    ASSERT_EQ(golden.top2_ids.size(), num_steps);
    ASSERT_EQ(golden.top2_logits.size(), num_steps);
    for (size_t i = 0; i < num_steps; ++i) {
      EXPECT_EQ(golden.top2_ids[i][0], golden.greedy_ids[i]);
      EXPECT_GT(golden.gap(i), 0.0F);
      EXPECT_LE(golden.logprobs[i], 0.0F);
    }
  }
}

TEST_P(SmallChatGoldensTest, StopAtAnEndTokenOrAtTheLimit) {
  for (const GoldenSteps& golden : load_small_chat_goldens(GetParam())) {
    const int32_t last = golden.greedy_ids.back();
    const size_t limit = golden.kind == "short" ? 96 : 48;
    const bool ended = last == kEndOfText || last == kEndOfTurn;
    EXPECT_TRUE(ended || golden.greedy_ids.size() == limit);
  }
}

TEST_P(SmallChatGoldensTest, CarryTheTextOfShortPrompts) {
  for (const GoldenSteps& golden : load_small_chat_goldens(GetParam())) {
    if (golden.kind != "short") continue;
    EXPECT_FALSE(golden.prompt.empty());
    EXPECT_FALSE(golden.text.empty());
    EXPECT_EQ(golden.prompt_logprobs.size(), golden.prompt_ids.size() - 1);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Models,
    SmallChatGoldensTest,
    testing::Values("small-chat", "small-chat-draft"),
    [](const auto& info) {
      std::string name = info.param;
      std::erase(name, '-');
      return name;
    }
);

TEST(StoryGoldensTest, ScoreEveryTokenButTheFirst) {
  const auto cases = load_story_logprobs();
  ASSERT_EQ(cases.size(), 6);
  for (const StoryLogprobs& story : cases) {
    EXPECT_EQ(story.prompt_logprobs.size(), story.prompt_ids.size() - 1);
    EXPECT_EQ(story.argmax.size(), story.prompt_ids.size());
  }
}

TEST(StoryGoldensTest, ContinuePromptsGreedily) {
  const auto cases = load_story_greedy();
  ASSERT_EQ(cases.size(), 4);
  for (const StoryGreedy& story : cases) {
    EXPECT_EQ(story.prompt_ids.front(), 1);
    EXPECT_GT(story.greedy_ids.size(), 90);
    EXPECT_TRUE(story.text.starts_with(story.prompt));
  }
}

TEST(LogitsGoldensTest, BeginTheirContinuationAtTheBestLogitOfTheLastRow) {
  int num_models = 0;
  for (const auto& entry : std::filesystem::directory_iterator(test_data_dir() / "models")) {
    if (!exists(entry.path() / "goldens.safetensors")) continue;
    SCOPED_TRACE(entry.path().filename());
    ++num_models;
    for (const LogitsGolden& golden : load_logits_goldens(entry.path())) {
      ASSERT_EQ(golden.logits.size(), golden.prompt_ids.size() * golden.vocab_size);
      const float* row = golden.row(golden.prompt_ids.size() - 1);
      EXPECT_EQ(std::max_element(row, row + golden.vocab_size) - row, golden.greedy_ids.at(0));
      EXPECT_GT(std::ranges::min(golden.greedy_gap), 0.02F);
      EXPECT_GT(golden.bf16_error, 0.0F);
    }
  }
  EXPECT_EQ(num_models, 11);
}

TEST(SamplingGoldensTest, AreEitherGreedyOrADistribution) {
  const auto goldens = load_sampling_goldens();
  ASSERT_EQ(goldens.size(), 52);
  for (const SamplingGolden& golden : goldens) {
    SCOPED_TRACE(golden.name);
    ASSERT_EQ(golden.processed_logits.size(), golden.logits.size());
    const auto best = std::ranges::max_element(golden.processed_logits);
    EXPECT_EQ(golden.greedy_id.has_value(), golden.params.is_greedy());
    if (golden.greedy_id) {
      EXPECT_EQ(best - golden.processed_logits.begin(), *golden.greedy_id);
    } else {
      EXPECT_NEAR(std::accumulate(golden.probs.begin(), golden.probs.end(), 0.0), 1.0, 1e-7);
    }
  }
}

TEST(SamplingGoldensTest, RankEqualLogitsAlike) {
  const auto goldens = load_sampling_goldens();
  const auto ties =
      std::ranges::find(goldens, "equal logits share the larger rank", &SamplingGolden::name);
  ASSERT_NE(ties, goldens.end());
  std::vector<int> ranks;
  for (const auto& entry : ties->raw_logprobs)
    ranks.push_back(entry.rank);
  EXPECT_EQ(ranks, (std::vector<int>{2, 2, 5, 5, 5}));
}

}  // namespace
}  // namespace quire::test
