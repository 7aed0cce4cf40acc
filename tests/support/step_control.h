#pragma once

#include <atomic>
#include <semaphore>
#include <stdexcept>

#include "engine/executor.h"
#include "support/fake_runner.h"

namespace quire::test {

// What a test does to the steps, which run on the engine's thread.
struct StepControl {
  std::atomic<int> num_steps_to_failure = -1;  // -1: none fails
  std::counting_semaphore<> allowed_steps{0};
  std::atomic<bool> waits_for_allowance = false;
  std::counting_semaphore<> started_steps{0};
};

// A FakeRunner behind the executor's interface.
class FakeExecutor final : public Executor {
 public:
  FakeExecutor(const KVCacheConfig& config, StepControl& control)
      : runner_(config), control_(control) {}

  void execute_model(const SchedulerOutput& output) override {
    control_.started_steps.release();
    if (control_.waits_for_allowance) control_.allowed_steps.acquire();
    if (control_.num_steps_to_failure-- == 0) throw std::runtime_error("the device is gone");
    result_ = runner_.execute(output);
  }
  ModelRunnerOutput& sample_tokens() override { return result_; }

 private:
  FakeRunner runner_;
  StepControl& control_;
  ModelRunnerOutput result_;
};

}  // namespace quire::test
