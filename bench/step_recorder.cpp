#include "bench/step_recorder.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/clock.h"

namespace quire::bench {

void StepRecorder::set_cache(int block_size, int max_model_len) {
  std::lock_guard lock(mutex_);
  block_size_ = block_size;
  max_model_len_ = max_model_len;
}

void StepRecorder::begin_step(const SchedulerOutput& output, double now) {
  QUIRE_CHECK(output.num_groups == 1, "{} KV cache groups", output.num_groups);
  std::lock_guard lock(mutex_);
  for (const uint64_t id : output.finished_request_ids)
    release(id);
  StepRecord record{.start = now, .num_reqs = output.num_reqs()};
  if (last_end_ > 0.0 && !live_.empty()) record.overhead = now - last_end_;
  for (const uint64_t id : output.preempted_request_ids)
    release(id);
  for (int r = 0; r < output.num_reqs(); ++r)
    note_request(output, r, record);
  for (const BlockReplacement& replacement : output.block_replacements) {
    const uint64_t id = output.requests[replacement.req_idx].request_id;
    int& block_id = live_[id].block_ids[replacement.table_idx];
    take(replacement.block_id);
    drop(std::exchange(block_id, replacement.block_id));
  }
  note_memory(record);
  under_way_ = record;
}

void StepRecorder::end_step(double now) {
  std::lock_guard lock(mutex_);
  QUIRE_CHECK(under_way_.has_value(), "no step is under way");
  under_way_->end = now;
  // A step without tokens tells the runner who finished.
  if (under_way_->num_reqs > 0) records_.push_back(*under_way_);
  under_way_.reset();
  last_end_ = now;
}

std::vector<StepRecord> StepRecorder::take_records() {
  std::lock_guard lock(mutex_);
  last_end_ = 0.0;
  return std::exchange(records_, {});
}

void StepRecorder::release(uint64_t id) {
  const auto found = live_.find(id);
  if (found == live_.end()) return;
  for (const int block_id : found->second.block_ids)
    drop(block_id);
  live_.erase(found);
}

void StepRecorder::take(int block_id) {
  if (block_id >= static_cast<int>(ref_counts_.size())) ref_counts_.resize(block_id + 1, 0);
  if (ref_counts_[block_id]++ == 0) ++num_used_blocks_;
}

void StepRecorder::drop(int block_id) {
  if (--ref_counts_[block_id] == 0) --num_used_blocks_;
}

void StepRecorder::note_request(const SchedulerOutput& output, int req_idx, StepRecord& record) {
  const ScheduledRequest& scheduled = output.requests[req_idx];
  LiveRequest& request = live_[scheduled.request_id];
  if (scheduled.new_request_idx) {
    const NewRequestData& data = output.new_requests[*scheduled.new_request_idx];
    request.num_prompt_tokens = data.num_prompt_tokens;
    request.max_num_tokens = std::min(
        max_model_len_,
        data.num_prompt_tokens + data.sampling_params.max_tokens.value_or(max_model_len_)
    );
  }
  for (const int block_id : output.new_blocks(req_idx, 0)) {
    take(block_id);
    request.block_ids.push_back(block_id);
  }
  request.num_computed_tokens = scheduled.num_computed_tokens + scheduled.num_scheduled_tokens;
  const int num_prefill_tokens = std::clamp(
      request.num_prompt_tokens - scheduled.num_computed_tokens, 0, scheduled.num_scheduled_tokens
  );
  record.num_prefill_tokens += num_prefill_tokens;
  record.num_decode_tokens += scheduled.num_scheduled_tokens - num_prefill_tokens;
}

void StepRecorder::note_memory(StepRecord& record) const {
  record.num_used_blocks = num_used_blocks_;
  record.num_slots = int64_t{num_used_blocks_} * block_size_;
  for (const auto& [id, request] : live_) {
    const auto num_held = static_cast<int64_t>(request.block_ids.size()) * block_size_;
    const int num_tokens = request.num_computed_tokens;
    record.num_empty_slots += std::max<int64_t>(0, num_held - num_tokens);
    record.num_contiguous_slots += max_model_len_;
    record.num_contiguous_empty_slots += max_model_len_ - num_tokens;
    record.num_known_length_slots += request.max_num_tokens;
    record.num_known_length_empty_slots += request.max_num_tokens - num_tokens;
  }
}

void RecordedExecutor::execute_model(const SchedulerOutput& output) {
  recorder_.begin_step(output, monotonic_time());
  executor_->execute_model(output);
}

ModelRunnerOutput& RecordedExecutor::sample_tokens() {
  ModelRunnerOutput& result = executor_->sample_tokens();
  recorder_.end_step(monotonic_time());
  return result;
}

}  // namespace quire::bench
