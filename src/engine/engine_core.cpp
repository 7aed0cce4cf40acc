#include "engine/engine_core.h"

namespace quire {

EngineCore::EngineCore(
    std::unique_ptr<SchedulerInterface> scheduler,
    std::unique_ptr<Executor> executor,
    int num_gpu_blocks
)
    : scheduler_(std::move(scheduler)), executor_(std::move(executor)) {
  stats_.num_gpu_blocks = num_gpu_blocks;
}

void EngineCore::add_request(std::unique_ptr<Request> request) {
  scheduler_->add_request(std::move(request));
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
  if (!scheduler_->has_work()) return;
  const SchedulerOutput& output = scheduler_->schedule();
  executor_->execute_model(output);
  ModelRunnerOutput& result = executor_->sample_tokens();
  scheduler_->update(output, result, outputs);
  record_step(output);
  record_scheduler_stats();
}

bool EngineCore::reset_prefix_cache(bool reset_running_requests) {
  return scheduler_->reset_prefix_cache(reset_running_requests);
}

void EngineCore::record_step(const SchedulerOutput& output) {
  if (output.total_num_scheduled_tokens == 0) return;
  ++stats_.num_steps;
  stats_.num_scheduled_tokens += output.total_num_scheduled_tokens;
  stats_.num_scheduled_reqs += output.num_reqs();
}

void EngineCore::record_scheduler_stats() {
  const SchedulerStats stats = scheduler_->stats();
  stats_.num_running_reqs = stats.num_running_reqs;
  stats_.num_waiting_reqs = stats.num_waiting_reqs;
  stats_.kv_cache_usage = stats.kv_cache_usage;
  stats_.num_preemptions = stats.num_preemptions;
  stats_.uses_v0 = stats.scheduler == SchedulerKind::kV0;
  stats_.num_swapped_reqs = stats.num_swapped_reqs;
  stats_.cpu_cache_usage = stats.host_cache_usage;
  stats_.prefix_cache_queries += stats.prefix_cache.num_queried_tokens;
  stats_.prefix_cache_hits += stats.prefix_cache.num_hit_tokens;
}

}  // namespace quire
