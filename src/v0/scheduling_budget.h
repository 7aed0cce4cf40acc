#pragma once

#include <unordered_set>

#include "core/request.h"

namespace quire::v0 {

// What a step may still take: tokens to compute and sequences that run. A sequence group counts
// once, however often it is added, and cannot be taken back twice.
class SchedulingBudget {
 public:
  SchedulingBudget() = default;
  SchedulingBudget(int token_budget, int max_num_seqs)
      : token_budget_(token_budget), max_num_seqs_(max_num_seqs) {}

  // Both at least 1.
  bool can_schedule(int num_new_tokens, int num_new_seqs) const;
  int remaining_tokens() const { return token_budget_ - num_batched_tokens_; }
  int num_batched_tokens() const { return num_batched_tokens_; }
  int num_seqs() const { return num_seqs_; }

  void add_batched_tokens(RequestId group_id, int num_tokens);
  void add_seqs(RequestId group_id, int num_seqs);
  void subtract_seqs(RequestId group_id, int num_seqs);

 private:
  int token_budget_ = 0;
  int max_num_seqs_ = 0;
  int num_batched_tokens_ = 0;
  int num_seqs_ = 0;
  std::unordered_set<RequestId> groups_with_tokens_;
  std::unordered_set<RequestId> groups_with_seqs_;
};

}  // namespace quire::v0
