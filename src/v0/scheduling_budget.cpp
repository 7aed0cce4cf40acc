#include "v0/scheduling_budget.h"

#include "base/check.h"

namespace quire::v0 {

bool SchedulingBudget::can_schedule(int num_new_tokens, int num_new_seqs) const {
  QUIRE_CHECK(num_new_tokens >= 1 && num_new_seqs >= 1);
  return num_batched_tokens_ + num_new_tokens <= token_budget_ &&
         num_seqs_ + num_new_seqs <= max_num_seqs_;
}

void SchedulingBudget::add_batched_tokens(RequestId group_id, int num_tokens) {
  if (groups_with_tokens_.insert(group_id).second) num_batched_tokens_ += num_tokens;
}

void SchedulingBudget::add_seqs(RequestId group_id, int num_seqs) {
  if (groups_with_seqs_.insert(group_id).second) num_seqs_ += num_seqs;
}

void SchedulingBudget::subtract_seqs(RequestId group_id, int num_seqs) {
  if (groups_with_seqs_.erase(group_id) > 0) num_seqs_ -= num_seqs;
}

}  // namespace quire::v0
