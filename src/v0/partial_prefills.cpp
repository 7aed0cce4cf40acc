#include "v0/partial_prefills.h"

#include <algorithm>

namespace quire::v0 {

PartialPrefills::PartialPrefills(
    const SchedulerConfig& config, const Queue& running, const Queue& waiting
)
    : config_(&config), slot_tokens_(config.max_num_batched_tokens) {
  if (config.max_num_partial_prefills == 1) return;
  int num_prefills = 0;
  for (const SequenceGroup* group : running) {
    if (!group->is_prefill) continue;
    ++num_prefills;
    num_long_ += is_long(*group);
  }
  int num_long_waiting = 0;
  for (const SequenceGroup* group : waiting) {
    if (num_prefills >= config.max_num_partial_prefills) break;
    if (is_long(*group)) {
      // No slot is kept for a prompt that will not get it.
      if (num_long_ + num_long_waiting >= config.max_long_partial_prefills) continue;
      ++num_long_waiting;
    }
    ++num_prefills;
  }
  slot_tokens_ /= std::clamp(num_prefills, 1, config.max_num_partial_prefills);
}

bool PartialPrefills::may_schedule(const SequenceGroup& group) const {
  return config_->max_num_partial_prefills == 1 || !is_long(group) ||
         num_long_ < config_->max_long_partial_prefills;
}

void PartialPrefills::count_if_long(const SequenceGroup& group) {
  num_long_ += is_long(group);
}

bool PartialPrefills::is_long(const SequenceGroup& group) const {
  return group.first().num_tokens() > config_->long_prefill_token_threshold;
}

}  // namespace quire::v0
