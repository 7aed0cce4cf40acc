#pragma once

#include <span>
#include <vector>

#include "batch/block_tables.h"
#include "batch/input_batch.h"
#include "config/kv_cache_spec.h"
#include "core/scheduler_output.h"
#include "worker/request_states.h"

namespace quire {

struct StepLimits {
  int max_num_seqs = 0;
  int max_num_batched_tokens = 0;
  int max_model_len = 0;
};

// The integers of a step, whatever computes it: what is known of every live request in its slot,
// the block tables, and the flat batch made from a SchedulerOutput. Sized once: a steady decode
// allocates nothing.
class StepInputs {
 public:
  StepInputs(const StepLimits& limits, const KVCacheConfig& kv_cache_config);

  // Applies the diff and gathers the batch.
  void build(const SchedulerOutput& output);

  // Slots that build() freed, and those that it gave to output.new_requests, in their order. A
  // freed slot may be among the new ones.
  std::span<const int> freed_slots() const { return freed_slots_; }
  std::span<const int> new_slots() const { return new_slots_; }

  const RequestStates& states() const { return states_; }
  const InputBatch& batch() const { return batch_; }
  std::span<const BatchEntry> entries() const { return entries_; }  // [num_reqs], batch order
  std::span<const int> block_sizes() const { return block_sizes_; }  // [num_groups]
  int num_groups() const { return static_cast<int>(block_sizes_.size()); }

  // Requests whose step reaches the last token that they have: each gets a token. Both
  // [num sampling]: indexes into entries(), and rows of the batch (a fork's is its origin's).
  std::span<const int> sampling_reqs() const { return sampling_reqs_; }
  std::span<const int32_t> logits_indices() const { return logits_indices_; }

  // Appends the sampled tokens, one per sampling request, to their requests and to `result`, which
  // has been cleared.
  void append_sampled(std::span<const int32_t> token_ids, ModelRunnerOutput& result);

 private:
  void update_states(const SchedulerOutput& output);
  void release(uint64_t request_id);
  void collect_entries(const SchedulerOutput& output);
  void collect_sampling_reqs();

  std::vector<int> block_sizes_;
  RequestStates states_;
  BlockTables block_tables_;
  InputBatch batch_;

  // Of the running step.
  std::vector<int> freed_slots_;
  std::vector<int> new_slots_;
  std::vector<BatchEntry> entries_;
  std::vector<int> sampling_reqs_;
  std::vector<int32_t> logits_indices_;
};

}  // namespace quire
