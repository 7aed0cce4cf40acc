#include <gtest/gtest.h>

#include "support/goldens.h"
#include "support/paged_model.h"
#include "support/test_paths.h"

namespace quire {
namespace {

using test::GoldenSteps;
using test::PagedModel;

class BundledModelTest : public ::testing::TestWithParam<const char*> {};

// Both bundled models and real prompts; the engine's tests run all of them in every mode.
TEST_P(BundledModelTest, GreedyIdsInFloat32AreTheGoldens) {
  PagedModel model(test::bundled_models_dir() / GetParam());
  const std::vector<GoldenSteps> goldens = test::load_small_chat_goldens(GetParam());
  ASSERT_GE(goldens.size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    const int num_tokens = static_cast<int>(goldens[i].greedy_ids.size());
    EXPECT_GT(num_tokens, 0);
    EXPECT_EQ(model.greedy(goldens[i].prompt_ids, num_tokens), goldens[i].greedy_ids)
        << goldens[i].prompt;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Models, BundledModelTest, ::testing::Values("small-chat", "small-chat-draft")
);

}  // namespace
}  // namespace quire
