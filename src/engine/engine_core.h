#pragma once

#include <memory>
#include <span>

#include "core/scheduler_interface.h"
#include "engine/executor.h"
#include "quire/async_engine.h"

namespace quire {

// Owns scheduler and executor: one step is schedule, execute, sample, update. Single-threaded.
class EngineCore {
 public:
  EngineCore(
      std::unique_ptr<SchedulerInterface> scheduler,
      std::unique_ptr<Executor> executor,
      int num_gpu_blocks
  );

  void add_request(std::unique_ptr<Request> request);

  // Ends requests from outside; those that were alive get a last output with reason "abort".
  void abort_requests(std::span<const RequestId> ids, EngineCoreOutputs& outputs);

  // Runs one step and appends what it did. Without work it does nothing.
  void step(EngineCoreOutputs& outputs);

  bool has_work() const { return scheduler_->has_work(); }
  [[nodiscard]] bool reset_prefix_cache(bool reset_running_requests);
  const EngineStats& stats() const { return stats_; }

 private:
  void record_step(const SchedulerOutput& output);
  void record_scheduler_stats();

  std::unique_ptr<SchedulerInterface> scheduler_;
  std::unique_ptr<Executor> executor_;
  EngineStats stats_;
};

}  // namespace quire
