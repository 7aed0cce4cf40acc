#pragma once

#include <cstdint>
#include <span>

namespace quire {

// A token that may be sampled or reported.
struct Candidate {
  float logit;
  float weight;  // probability times an unknown constant; set where it is needed
  int32_t token_id;
};

// Finds the k largest values of a row, and all that equal the k-th (k >= 1), in any order, without
// sorting the row. Values below `floor` and NaN are left out. The result lies at the start of
// `scratch`, which has room for a candidate per value.
std::span<Candidate> collect_top_k(
    std::span<const float> logits, int k, float floor, std::span<Candidate> scratch
);

// All values >= floor.
std::span<Candidate> collect_at_least(
    std::span<const float> logits, float floor, std::span<Candidate> scratch
);

double total_weight(std::span<const Candidate> candidates);

// The smallest set of best candidates whose weights reach top_p * the sum of all weights (`total`);
// at least one. Among equal logits the higher token id goes in first: the same set as a stable
// ascending sort gives when it drops tokens while their cumulated probability is <= 1 - top_p.
// Reorders the candidates; the result lies at their start.
std::span<Candidate> keep_top_p(std::span<Candidate> candidates, double total, double top_p);

}  // namespace quire
