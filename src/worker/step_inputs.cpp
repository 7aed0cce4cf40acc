#include "worker/step_inputs.h"

#include <algorithm>

#include "base/check.h"
#include "base/math.h"

namespace quire {
namespace {

std::vector<int> block_sizes_of(const KVCacheConfig& config) {
  std::vector<int> block_sizes;
  for (const KVCacheGroupSpec& group : config.groups)
    block_sizes.push_back(group.spec.block_size);
  return block_sizes;
}

}  // namespace

StepInputs::StepInputs(const StepLimits& limits, const KVCacheConfig& kv_cache_config)
    : block_sizes_(block_sizes_of(kv_cache_config)),
      states_(limits.max_num_seqs, limits.max_model_len + 1),
      block_tables_(
          num_groups(),
          limits.max_num_seqs,
          ceil_div(limits.max_model_len, std::ranges::min(block_sizes_))
      ),
      batch_(
          num_groups(),
          limits.max_num_seqs,
          limits.max_num_batched_tokens,
          block_tables_.max_num_blocks()
      ) {
  freed_slots_.reserve(limits.max_num_seqs);
  new_slots_.reserve(limits.max_num_seqs);
  entries_.reserve(limits.max_num_seqs);
  sampling_reqs_.reserve(limits.max_num_seqs);
  logits_indices_.reserve(limits.max_num_seqs);
}

void StepInputs::build(const SchedulerOutput& output) {
  update_states(output);
  collect_entries(output);
  batch_.build(entries_, block_tables_, block_sizes_);
  collect_sampling_reqs();
}

void StepInputs::release(uint64_t request_id) {
  const int slot = states_.remove(request_id);
  if (slot < 0) return;
  block_tables_.clear(slot);
  freed_slots_.push_back(slot);
}

void StepInputs::update_states(const SchedulerOutput& output) {
  freed_slots_.clear();
  new_slots_.clear();
  for (const uint64_t id : output.finished_request_ids)
    release(id);
  for (const uint64_t id : output.preempted_request_ids)
    release(id);
  for (const NewRequestData& data : output.new_requests)
    new_slots_.push_back(states_.add(data));
}

void StepInputs::collect_entries(const SchedulerOutput& output) {
  entries_.clear();
  for (int r = 0; r < output.num_reqs(); ++r) {
    const ScheduledRequest& request = output.requests[r];
    const int slot = request.new_request_idx ? new_slots_[*request.new_request_idx]
                                             : states_.slot_of(request.request_id);
    for (int group = 0; group < output.num_groups; ++group)
      block_tables_.append(slot, group, output.new_blocks(r, group));
    entries_.push_back(
        {slot,
         states_.token_ids(slot),
         request.num_computed_tokens,
         request.num_scheduled_tokens,
         request.fork_of}
    );
  }
  for (const BlockReplacement& replacement : output.block_replacements) {
    const int slot = entries_[replacement.req_idx].slot;
    block_tables_.replace(slot, replacement.group, replacement.table_idx, replacement.block_id);
  }
}

void StepInputs::collect_sampling_reqs() {
  sampling_reqs_.clear();
  logits_indices_.clear();
  const auto* query_start_loc = batch_.query_start_loc().data<int32_t>();
  for (int r = 0; r < static_cast<int>(entries_.size()); ++r) {
    const BatchEntry& entry = entries_[r];
    const int end = entry.num_computed_tokens + entry.num_scheduled_tokens;
    if (end < static_cast<int>(entry.token_ids.size())) continue;
    sampling_reqs_.push_back(r);
    logits_indices_.push_back(query_start_loc[entry.fork_of.value_or(r) + 1] - 1);
  }
}

void StepInputs::append_sampled(std::span<const int32_t> token_ids, ModelRunnerOutput& result) {
  QUIRE_CHECK(
      token_ids.size() == sampling_reqs_.size(),
      "{} tokens for {} requests",
      token_ids.size(),
      sampling_reqs_.size()
  );
  size_t next = 0;
  result.sampled_starts.push_back(0);
  for (int r = 0; r < static_cast<int>(entries_.size()); ++r) {
    if (next < sampling_reqs_.size() && sampling_reqs_[next] == r) {
      states_.append_token(entries_[r].slot, token_ids[next]);
      result.sampled_token_ids.push_back(token_ids[next++]);
    }
    result.sampled_starts.push_back(static_cast<int>(result.sampled_token_ids.size()));
  }
}

}  // namespace quire
