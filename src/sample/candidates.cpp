#include "sample/candidates.h"

#include <algorithm>

namespace quire {
namespace {

constexpr size_t kBlock = 32;

bool any_at_least(const float* values, float floor) {
  int any = 0;
  for (size_t i = 0; i < kBlock; ++i)
    any |= values[i] >= floor;
  return any != 0;
}

// Calls push(i) for each value >= floor(). Skips whole blocks without one.
template <class Floor, class Push>
void scan(std::span<const float> values, const Floor& floor, const Push& push) {
  const float* data = values.data();
  size_t i = 0;
  for (; i + kBlock <= values.size(); i += kBlock) {
    if (!any_at_least(data + i, floor())) continue;
    for (size_t j = i; j < i + kBlock; ++j) {
      if (data[j] >= floor()) push(j);
    }
  }
  for (; i < values.size(); ++i) {
    if (data[i] >= floor()) push(i);
  }
}

bool larger_logit(const Candidate& a, const Candidate& b) {
  return a.logit > b.logit;
}

bool better(const Candidate& a, const Candidate& b) {
  return a.logit != b.logit ? a.logit > b.logit : a.token_id > b.token_id;
}

// Moves the k largest and all equals of the k-th to the front; returns how many these are.
size_t keep_top_k(std::span<Candidate> candidates, size_t k) {
  if (candidates.size() <= k) return candidates.size();
  const auto kth = candidates.begin() + static_cast<std::ptrdiff_t>(k) - 1;
  std::nth_element(candidates.begin(), kth, candidates.end(), larger_logit);
  const float bound = kth->logit;
  const auto end = std::partition(kth + 1, candidates.end(), [&](const Candidate& c) {
    return c.logit == bound;
  });
  return static_cast<size_t>(end - candidates.begin());
}

}  // namespace

double total_weight(std::span<const Candidate> candidates) {
  double sum = 0.0;
  for (const Candidate& c : candidates)
    sum += c.weight;
  return sum;
}

std::span<Candidate> collect_top_k(
    std::span<const float> logits, int k, float floor, std::span<Candidate> scratch
) {
  const auto num_wanted = static_cast<size_t>(k);
  size_t count = 0;
  size_t limit = std::max<size_t>(2 * num_wanted, 256);
  // Halving the buffer when it is full raises the floor, so few of the later values pass it.
  const auto shrink = [&] {
    count = keep_top_k(scratch.first(count), num_wanted);
    if (count >= num_wanted) {
      const auto kept = scratch.first(count);
      floor = std::min_element(kept.begin(), kept.end(), [](const auto& a, const auto& b) {
                return a.logit < b.logit;
              })->logit;
    }
    limit = std::max(limit, 2 * count);
  };
  scan(
      logits,
      [&] { return floor; },
      [&](size_t i) {
        scratch[count++] = {logits[i], 0.0f, static_cast<int32_t>(i)};
        if (count == limit) shrink();
      }
  );
  shrink();
  return scratch.first(count);
}

std::span<Candidate> collect_at_least(
    std::span<const float> logits, float floor, std::span<Candidate> scratch
) {
  size_t count = 0;
  scan(
      logits,
      [&] { return floor; },
      [&](size_t i) {
        scratch[count++] = {logits[i], 0.0f, static_cast<int32_t>(i)};
      }
  );
  return scratch.first(count);
}

// A candidate stays when those before it have less than top_p. The border is found by halving: all
// of the better half stays, or nothing of the other half does.
std::span<Candidate> keep_top_p(std::span<Candidate> candidates, double total, double top_p) {
  constexpr size_t kSorted = 32;
  const double wanted = top_p * total;
  double sum = 0.0;  // of candidates [0, begin)
  size_t begin = 0;
  size_t end = candidates.size();
  while (end - begin > kSorted) {
    const auto open = candidates.subspan(begin, end - begin);
    const auto middle = open.begin() + static_cast<std::ptrdiff_t>(open.size() / 2);
    std::nth_element(open.begin(), middle, open.end(), better);
    const double half = total_weight(open.first(open.size() / 2));
    if (sum + half >= wanted) {
      end = begin + open.size() / 2;
    } else {
      sum += half;
      begin += open.size() / 2;
    }
  }
  const auto open = candidates.subspan(begin, end - begin);
  std::sort(open.begin(), open.end(), better);
  for (size_t i = 0; i < open.size() && sum < wanted; ++i, ++begin) {
    sum += open[i].weight;
  }
  return candidates.first(std::max<size_t>(begin, 1));
}

}  // namespace quire
