#pragma once

#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "engine/executor.h"

namespace quire {

// Runs another executor on a thread of its own, so that the next step can be planned while one
// runs. Steps run in the order of their execute_model() calls, of which max_steps may lie before
// the sample_tokens() of the first. What a step throws comes out of its sample_tokens(), and out of
// those of all later steps, which are not run: the device may be in any state.
class ThreadedExecutor final : public Executor {
 public:
  ThreadedExecutor(std::unique_ptr<Executor> inner, int max_steps);
  ~ThreadedExecutor() override;  // finishes the step that runs

  void execute_model(const SchedulerOutput& output) override;
  ModelRunnerOutput& sample_tokens() override;
  void sleep() override;
  void wake_up() override;

 private:
  struct Step {
    const SchedulerOutput* output = nullptr;
    ModelRunnerOutput result;
    std::exception_ptr error;
  };
  Step& step(size_t number) { return steps_[number % steps_.size()]; }
  void run();
  void run_step(Step& step);

  std::unique_ptr<Executor> inner_;
  std::vector<Step> steps_;  // a ring by number
  std::mutex mutex_;
  std::condition_variable changed_;
  // Counts of steps since the start, guarded by mutex_.
  size_t num_started_ = 0;
  size_t num_finished_ = 0;
  size_t num_taken_ = 0;
  bool is_closed_ = false;
  std::exception_ptr failure_;  // of the executor's thread alone
  std::thread thread_;  // the last member: it uses all others
};

}  // namespace quire
