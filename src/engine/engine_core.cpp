#include "engine/engine_core.h"

#include <algorithm>
#include <iterator>

#include "base/check.h"

namespace quire {

EngineCore::EngineCore(
    std::unique_ptr<SchedulerInterface> scheduler,
    std::unique_ptr<Executor> executor,
    int num_gpu_blocks,
    int max_concurrent_batches
)
    : scheduler_(std::move(scheduler)),
      plans_(max_concurrent_batches),
      executor_(std::move(executor)) {
  stats_.num_gpu_blocks = num_gpu_blocks;
  record_scheduler_stats();  // says which scheduler it is
}

void EngineCore::add_request(std::unique_ptr<Request> request) {
  scheduler_->add_request(std::move(request));
  record_scheduler_stats();  // there may be no step for long: in a pause
}

void EngineCore::abort_requests(std::span<const RequestId> ids, EngineCoreOutputs& outputs) {
  for (const RequestId id : scheduler_->finish_requests(ids, RequestStatus::kFinishedAborted)) {
    EngineCoreOutput& output = outputs.outputs.emplace_back();
    output.request_id = id;
    output.finish_reason = FinishReason::kAbort;
    outputs.is_awaited = true;
  }
  record_scheduler_stats();
}

void EngineCore::step(EngineCoreOutputs& outputs) {
  if (plans_.size() == 1) {
    if (scheduler_->has_work()) run_step(outputs);
  } else {
    run_overlapped_step(outputs);
  }
  std::ranges::move(kv_cache_evictions_, std::back_inserter(outputs.kv_cache_evictions));
  kv_cache_evictions_.clear();
}

void EngineCore::run_overlapped_step(EngineCoreOutputs& outputs) {
  while (num_steps_under_way_ < plans_.size() && scheduler_->has_work()) {
    if (!start_step()) break;
  }
  if (num_steps_under_way_ > 0) finish_step(outputs);
}

void EngineCore::run_step(EngineCoreOutputs& outputs) {
  const SchedulerOutput& output = scheduler_->schedule();
  executor_->execute_model(output);
  ModelRunnerOutput& result = executor_->sample_tokens();
  fail_requests(output, result, outputs);
  scheduler_->update(output, result, outputs);
  record_step(output);
  record_scheduler_stats();
}

bool EngineCore::start_step() {
  const SchedulerOutput& output = scheduler_->schedule();
  const bool says_nothing = output.requests.empty() && output.finished_request_ids.empty() &&
                            output.preempted_request_ids.empty() && output.block_copies.empty();
  if (says_nothing && num_steps_under_way_ > 0) return false;
  SchedulerOutput& plan = plans_[(oldest_ + num_steps_under_way_) % plans_.size()];
  plan = output;
  executor_->execute_model(plan);
  stats_.num_overlapped_steps += num_steps_under_way_ > 0 && !plan.requests.empty();
  ++num_steps_under_way_;
  return true;
}

void EngineCore::finish_step(EngineCoreOutputs& outputs) {
  SchedulerOutput& plan = plans_[oldest_];
  ModelRunnerOutput& result = executor_->sample_tokens();
  fail_requests(plan, result, outputs);
  scheduler_->update(plan, result, outputs);
  record_step(plan);
  record_scheduler_stats();
  plan.new_requests.clear();  // which may hold the last reference to a user's logits processor
  oldest_ = (oldest_ + 1) % plans_.size();
  --num_steps_under_way_;
}

void EngineCore::fail_requests(
    const SchedulerOutput& plan, const ModelRunnerOutput& result, EngineCoreOutputs& outputs
) {
  for (const RequestFailure& failure : result.failures) {
    const RequestId id = plan.requests[failure.req_idx].request_id;
    if (scheduler_->finish_requests({&id, 1}, RequestStatus::kFinishedError).empty()) continue;
    EngineCoreOutput& output = outputs.outputs.emplace_back();
    output.request_id = id;
    output.finish_reason = FinishReason::kError;
    output.error = failure.reason;
    outputs.is_awaited = true;
  }
}

void EngineCore::pause(PauseMode mode, EngineCoreOutputs& outputs) {
  if (mode == PauseMode::kAbort) abort_requests(scheduler_->unfinished_request_ids(), outputs);
  scheduler_->set_pause_state(
      mode == PauseMode::kKeep ? PauseState::kPausedAll : PauseState::kPausedNew
  );
  stats_.is_paused = true;
}

void EngineCore::sleep() {
  // The scheduler may still have ids to tell, of requests that it has preempted: no step of theirs
  // uses the cache.
  QUIRE_CHECK(num_steps_under_way_ == 0, "{} steps are under way", num_steps_under_way_);
  executor_->sleep();
  stats_.is_sleeping = true;
}

void EngineCore::resume() {
  if (stats_.is_sleeping) executor_->wake_up();
  stats_.is_sleeping = false;
  scheduler_->set_pause_state(PauseState::kUnpaused);
  stats_.is_paused = false;
}

bool EngineCore::reset_prefix_cache(bool reset_running_requests) {
  const bool is_done = scheduler_->reset_prefix_cache(reset_running_requests);
  record_scheduler_stats();  // there may be no step for long
  return is_done;
}

void EngineCore::record_step(const SchedulerOutput& output) {
  if (output.total_num_scheduled_tokens == 0) return;
  ++stats_.num_steps;
  stats_.num_scheduled_tokens += output.total_num_scheduled_tokens;
  stats_.num_scheduled_reqs += output.num_reqs();
}

void EngineCore::record_scheduler_stats() {
  SchedulerStats stats = scheduler_->stats();
  stats_.num_running_reqs = stats.num_running_reqs;
  stats_.num_waiting_reqs = stats.num_waiting_reqs + stats.num_skipped_waiting_reqs;
  stats_.num_skipped_waiting_reqs = stats.num_skipped_waiting_reqs;
  stats_.kv_cache_usage = stats.kv_cache_usage;
  stats_.num_preemptions = stats.num_preemptions;
  stats_.uses_v0 = stats.scheduler == SchedulerKind::kV0;
  stats_.num_swapped_reqs = stats.num_swapped_reqs;
  stats_.cpu_cache_usage = stats.host_cache_usage;
  stats_.prefix_cache_queries += stats.prefix_cache.num_queried_tokens;
  stats_.prefix_cache_hits += stats.prefix_cache.num_hit_tokens;
  caching_metrics_.observe(stats.prefix_cache);
  stats_.recent_prefix_cache_hit_rate = caching_metrics_.hit_rate();
  record_drafts(stats.spec_decoding);
  std::ranges::move(stats.kv_cache_evictions, std::back_inserter(kv_cache_evictions_));
}

void EngineCore::record_drafts(const SpecDecodingStats& stats) {
  stats_.num_drafts += stats.num_drafts;
  stats_.num_draft_tokens += stats.num_draft_tokens;
  stats_.num_accepted_tokens += stats.num_accepted_tokens;
  const std::vector<int64_t>& per_pos = stats.num_accepted_tokens_per_pos;
  std::vector<int64_t>& sums = stats_.num_accepted_tokens_per_pos;
  if (sums.size() < per_pos.size()) sums.resize(per_pos.size());
  for (size_t pos = 0; pos < per_pos.size(); ++pos)
    sums[pos] += per_pos[pos];
}

}  // namespace quire
