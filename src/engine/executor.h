#pragma once

#include <memory>

#include "core/scheduler_output.h"
#include "worker/worker.h"

namespace quire {

// Runs steps on the devices of one model replica. Two calls, because a step's bookkeeping (a
// grammar's mask, the next plan) may be done between them while a device works.
class Executor {
 public:
  virtual ~Executor() = default;
  // Starts the forward pass. `output` must stay valid until sample_tokens returns.
  virtual void execute_model(const SchedulerOutput& output) = 0;
  // Samples from that pass and waits for the result, which is valid until the next call; the caller
  // may move parts out of it.
  virtual ModelRunnerOutput& sample_tokens() = 0;
  // Between steps, with nothing in the KV cache: gives its memory back to the system, until
  // wake_up(). One that has no such memory does nothing.
  virtual void sleep() {}
  virtual void wake_up() {}
};

// One worker, in this process.
class UniprocExecutor final : public Executor {
 public:
  explicit UniprocExecutor(std::unique_ptr<Worker> worker) : worker_(std::move(worker)) {}
  void execute_model(const SchedulerOutput& output) override { worker_->execute(output); }
  ModelRunnerOutput& sample_tokens() override { return worker_->sample(); }
  void sleep() override { worker_->sleep(); }
  void wake_up() override { worker_->wake_up(); }

 private:
  std::unique_ptr<Worker> worker_;
};

}  // namespace quire
