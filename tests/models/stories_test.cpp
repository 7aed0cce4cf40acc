#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "support/goldens.h"
#include "support/paged_model.h"
#include "support/test_paths.h"

// stories260K: trained weights, an older config.json and a float64 reference that is not
// transformers.
namespace quire {
namespace {

using test::PagedModel;

double logprob(const std::vector<float>& logits, int32_t token) {
  const double largest = *std::ranges::max_element(logits);
  double sum = 0;
  for (const float logit : logits)
    sum += std::exp(logit - largest);
  return logits[token] - largest - std::log(sum);
}

TEST(StoriesTest, GreedyStoriesAreThoseOfTheReference) {
  PagedModel model(test::test_data_dir() / "models/stories260K");
  for (const test::StoryGreedy& story : test::load_story_greedy()) {
    const int num_tokens = static_cast<int>(story.greedy_ids.size());
    EXPECT_EQ(model.greedy(story.prompt_ids, num_tokens), story.greedy_ids) << story.prompt;
  }
}

TEST(StoriesTest, PromptLogprobsAreThoseOfTheReference) {
  PagedModel model(test::test_data_dir() / "models/stories260K");
  // transformers in float32 is within 1.3e-5 of the reference.
  constexpr double kTolerance = 3e-5;
  for (const test::StoryLogprobs& story : test::load_story_logprobs()) {
    const test::Logits logits = model.logits(story.prompt_ids);
    ASSERT_EQ(logits.size(), story.prompt_ids.size());
    for (size_t i = 0; i + 1 < logits.size(); ++i) {
      const double actual = logprob(logits[i], story.prompt_ids[i + 1]);
      EXPECT_NEAR(actual, story.prompt_logprobs[i], kTolerance) << story.prompt << " at " << i;
    }
  }
}

}  // namespace
}  // namespace quire
