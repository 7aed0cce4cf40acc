#include "sample/logits_processors.h"

#include <cmath>
#include <set>
#include <vector>

#include <gtest/gtest.h>

namespace quire {
namespace {

using Ids = std::vector<int32_t>;

LogitsProcessors make_processors(const SamplingParams& params) {
  LogitsProcessors processors;
  processors.reset(params);
  return processors;
}

// The tokens of a vocabulary of 8 that are banned after `output`.
std::set<int32_t> banned(const SamplingParams& params, const Ids& output = {}) {
  std::vector<float> logits(8, 1.0f);
  make_processors(params).apply(logits, output);
  std::set<int32_t> out;
  for (int32_t id = 0; id < 8; ++id) {
    if (std::isinf(logits[id])) out.insert(id);
  }
  return out;
}

TEST(LogitsProcessors, AreOffByDefault) {
  EXPECT_FALSE(make_processors({}).enabled());
}

TEST(LogitsProcessors, AllowOnlyTheAllowedTokens) {
  EXPECT_EQ(banned({.allowed_token_ids = Ids{6, 0, 3, 6}}), (std::set<int32_t>{1, 2, 4, 5, 7}));
  EXPECT_EQ(banned({.allowed_token_ids = Ids{7}}), (std::set<int32_t>{0, 1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(banned({.allowed_token_ids = Ids{0, 1, 2, 3, 4, 5, 6, 7}}), (std::set<int32_t>{}));
}

TEST(LogitsProcessors, BanTheLastTokenOfABadWordWhoseOthersWereJustWritten) {
  SamplingParams params;
  params.bad_words_token_ids = {{2, 3, 4}, {3, 5}, {4, 6}};
  EXPECT_EQ(banned(params, {1, 2, 3}), (std::set<int32_t>{4, 5}));
  EXPECT_EQ(banned(params, {2, 3, 4}), (std::set<int32_t>{6}));
  EXPECT_EQ(banned(params, {2, 4, 3}), (std::set<int32_t>{5}));
  EXPECT_EQ(banned(params, {}), (std::set<int32_t>{}));
  EXPECT_EQ(banned(params, {3, 1}), (std::set<int32_t>{}));
}

TEST(LogitsProcessors, AlwaysBanABadWordOfOneToken) {
  SamplingParams params;
  params.bad_words_token_ids = {{5}};
  EXPECT_EQ(banned(params), (std::set<int32_t>{5}));
  EXPECT_EQ(banned(params, {5, 1}), (std::set<int32_t>{5}));
}

TEST(LogitsProcessors, BanEveryEndUntilMinTokens) {
  SamplingParams params{.stop_token_ids = {1, 4}, .min_tokens = 2};
  params.eos_token_id = 7;
  EXPECT_EQ(banned(params, {}), (std::set<int32_t>{1, 4, 7}));
  EXPECT_EQ(banned(params, {3}), (std::set<int32_t>{1, 4, 7}));
  EXPECT_EQ(banned(params, {3, 3}), (std::set<int32_t>{}));
}

TEST(LogitsProcessors, AddTheBias) {
  std::vector<float> logits = {1.0f, 2.0f, 3.0f};
  make_processors({.logit_bias = {{0, 2.5f}, {2, -100.0f}}}).apply(logits, {});
  EXPECT_EQ(logits, (std::vector<float>{3.5f, 2.0f, -97.0f}));
}

TEST(LogitsProcessors, DoNotLetABiasUndoABan) {
  SamplingParams params{.logit_bias = {{5, 100.0f}}, .allowed_token_ids = Ids{1, 2}};
  EXPECT_TRUE(banned(params).contains(5));
}

TEST(LogitsProcessors, OfTheLastRequestInTheSlotAreGone) {
  auto processors = make_processors(
      {.stop_token_ids = {1},
       .min_tokens = 5,
       .logit_bias = {{0, 1.0f}},
       .allowed_token_ids = Ids{1}}
  );
  processors.reset({});
  EXPECT_FALSE(processors.enabled());
  std::vector<float> logits = {1.0f, 2.0f};
  processors.apply(logits, {});
  EXPECT_EQ(logits, (std::vector<float>{1.0f, 2.0f}));
}

}  // namespace
}  // namespace quire
