#pragma once

#include <deque>

#include "config/scheduler_config.h"
#include "v0/sequence_group.h"

namespace quire::v0 {

// Chunked prefill of several prompts at once (max_num_partial_prefills > 1): every prompt of a step
// gets an equal slot of the token budget, and only some slots go to long prompts.
class PartialPrefills {
 public:
  using Queue = std::deque<SequenceGroup*>;

  PartialPrefills(const SchedulerConfig& config, const Queue& running, const Queue& waiting);

  // Most tokens of one prompt in this step.
  int slot_tokens() const { return slot_tokens_; }
  // False: a long prompt, and enough of those have a slot.
  bool may_schedule(const SequenceGroup& group) const;
  void count_if_long(const SequenceGroup& group);

 private:
  bool is_long(const SequenceGroup& group) const;

  const SchedulerConfig* config_;
  int slot_tokens_;
  int num_long_ = 0;
};

}  // namespace quire::v0
