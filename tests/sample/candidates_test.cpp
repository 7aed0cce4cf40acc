#include "sample/candidates.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "sample/sampler_fixture.h"
#include "support/reference_sampling.h"

namespace quire {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kLowest = std::numeric_limits<float>::lowest();

std::set<int32_t> ids(std::span<const Candidate> candidates) {
  std::set<int32_t> out;
  for (const Candidate& c : candidates)
    out.insert(c.token_id);
  EXPECT_EQ(out.size(), candidates.size()) << "a token came twice";
  return out;
}

std::set<int32_t> collected_top_k(const std::vector<float>& logits, int k, float floor = kLowest) {
  std::vector<Candidate> scratch(logits.size());
  return ids(collect_top_k(logits, k, floor, scratch));
}

// By a full sort: everything at least as large as the k-th largest.
std::set<int32_t> sorted_top_k(const std::vector<float>& logits, int k) {
  std::vector<float> sorted(logits);
  std::ranges::sort(sorted, std::greater());
  const float bound = sorted[std::min<size_t>(k, sorted.size()) - 1];
  std::set<int32_t> out;
  for (size_t i = 0; i < logits.size(); ++i) {
    if (logits[i] >= bound && logits[i] > -kInfinity) out.insert(static_cast<int32_t>(i));
  }
  return out;
}

// Rows that a threshold search could stumble over.
std::vector<std::vector<float>> awkward_rows() {
  std::vector<std::vector<float>> rows;
  for (const int size : {1, 5, 31, 32, 33, 1000, 5003}) {
    rows.push_back(test::random_logits(size, static_cast<uint32_t>(size)));
    std::vector<float> ascending(rows.back());
    std::ranges::sort(ascending);
    rows.push_back(ascending);
    std::ranges::reverse(ascending);
    rows.push_back(ascending);
    std::vector<float> coarse(rows[rows.size() - 3]);  // many ties
    for (float& x : coarse)
      x = std::round(x);
    rows.push_back(coarse);
    rows.push_back(std::vector<float>(size, 1.5f));
    std::vector<float> banned(size, -kInfinity);  // little left
    for (int i = 0; i < size; i += 97)
      banned[i] = static_cast<float>(i % 7);
    rows.push_back(banned);
  }
  return rows;
}

TEST(CollectTopK, KeepsWhatAFullSortKeeps) {
  for (const auto& row : awkward_rows()) {
    for (const int k : {1, 2, 10, 50, 127, 128, 129, 300, 5000, 1 << 30}) {
      ASSERT_EQ(collected_top_k(row, k), sorted_top_k(row, k)) << row.size() << " values, k " << k;
    }
  }
}

TEST(CollectTopK, LeavesOutNaN) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(collected_top_k({nan, 1.0f, nan, 2.0f}, 3), (std::set<int32_t>{1, 3}));
}

TEST(CollectTopK, ReturnsBannedTokensToWhoAsksForThem) {
  EXPECT_EQ(
      collected_top_k({-kInfinity, 1.0f, -kInfinity}, 2, -kInfinity), (std::set<int32_t>{0, 1, 2})
  );
}

TEST(CollectAtLeast, KeepsTheFloorItself) {
  std::vector<float> row(100, 0.0f);
  row[3] = 1.0f;
  row[40] = 2.0f;
  row[99] = 1.5f;
  std::vector<Candidate> scratch(row.size());
  EXPECT_EQ(ids(collect_at_least(row, 1.0f, scratch)), (std::set<int32_t>{3, 40, 99}));
}

std::vector<Candidate> weighed(const std::vector<float>& logits) {
  std::vector<Candidate> out;
  for (size_t i = 0; i < logits.size(); ++i) {
    const auto weight = static_cast<float>(std::exp(static_cast<double>(logits[i])));
    out.push_back({logits[i], weight, static_cast<int32_t>(i)});
  }
  return out;
}

TEST(KeepTopP, KeepsWhatAFullAscendingSortKeeps) {
  for (const int size : {1, 2, 63, 64, 65, 320, 321, 4000}) {
    for (const double top_p : {1e-9, 0.1, 0.5, 0.9, 0.99, 0.99999}) {
      const auto logits = test::random_logits(size, static_cast<uint32_t>(size));
      test::Row reference(logits.begin(), logits.end());
      test::reference_top_p(reference, top_p);
      std::set<int32_t> expected;
      for (int i = 0; i < size; ++i) {
        if (reference[i] > test::kBanned) expected.insert(i);
      }
      auto candidates = weighed(logits);
      const auto kept = keep_top_p(candidates, total_weight(candidates), top_p);
      ASSERT_EQ(ids(kept), expected) << size << " tokens, top_p " << top_p;
    }
  }
}

// Four equal tokens: the sum of two reaches one half exactly, so two are dropped.
TEST(KeepTopP, DropsTheLowerIdsAmongEquals) {
  auto candidates = weighed({0.0f, 0.0f, 0.0f, 0.0f});
  EXPECT_EQ(ids(keep_top_p(candidates, 4.0, 0.5)), (std::set<int32_t>{2, 3}));
}

TEST(KeepTopP, KeepsTheBestHoweverSmallTopPIs) {
  auto candidates = weighed({0.0f, 3.0f, 1.0f});
  EXPECT_EQ(ids(keep_top_p(candidates, total_weight(candidates), 1e-300)), (std::set<int32_t>{1}));
}

}  // namespace
}  // namespace quire
