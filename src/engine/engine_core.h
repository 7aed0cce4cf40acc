#pragma once

#include <memory>
#include <span>
#include <vector>

#include "core/caching_metrics.h"
#include "core/scheduler_interface.h"
#include "engine/executor.h"
#include "quire/async_engine.h"

namespace quire {

// Owns scheduler and executor: one step is schedule, execute, sample, update. With
// max_concurrent_batches above 1 the executor must take that many steps at once; then a step is
// planned before the results of those before it are known. Single-threaded.
class EngineCore {
 public:
  EngineCore(
      std::unique_ptr<SchedulerInterface> scheduler,
      std::unique_ptr<Executor> executor,
      int num_gpu_blocks,
      int max_concurrent_batches = 1
  );

  void add_request(std::unique_ptr<Request> request);

  // Ends requests from outside; those that were alive get a last output with reason "abort".
  void abort_requests(std::span<const RequestId> ids, EngineCoreOutputs& outputs);

  // Finishes one step and appends what it did. Without work it does nothing.
  void step(EngineCoreOutputs& outputs);

  // Of a paused engine: something still runs.
  bool has_work() const { return num_steps_under_way_ > 0 || scheduler_->has_work(); }
  [[nodiscard]] bool reset_prefix_cache(bool reset_running_requests);
  void pause(PauseMode mode, EngineCoreOutputs& outputs);
  // Of a paused engine with no step under way and an empty cache: gives the cache's memory back.
  void sleep();
  void resume();  // wakes it up, too
  const EngineStats& stats() const { return stats_; }

 private:
  // False: there is nothing to do before the steps under way are done.
  bool start_step();
  void finish_step(EngineCoreOutputs& outputs);
  void run_step(EngineCoreOutputs& outputs);
  void run_overlapped_step(EngineCoreOutputs& outputs);
  // Ends the requests of the step that the runner could not sample for.
  void fail_requests(
      const SchedulerOutput& plan, const ModelRunnerOutput& result, EngineCoreOutputs& outputs
  );
  void record_step(const SchedulerOutput& output);
  void record_scheduler_stats();
  void record_drafts(const SpecDecodingStats& stats);

  std::unique_ptr<SchedulerInterface> scheduler_;
  // Plans of the steps under way, a ring; the executor reads them.
  std::vector<SchedulerOutput> plans_;  // [max_concurrent_batches]
  size_t oldest_ = 0;
  size_t num_steps_under_way_ = 0;
  std::unique_ptr<Executor> executor_;
  EngineStats stats_;
  CachingMetrics caching_metrics_;  // of the most recent requests
  std::vector<KVCacheEviction> kv_cache_evictions_;  // for the next outputs
};

}  // namespace quire
