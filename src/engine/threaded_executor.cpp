#include "engine/threaded_executor.h"

#include <utility>

#include "base/check.h"
#include "base/start_thread.h"

namespace quire {

ThreadedExecutor::ThreadedExecutor(std::unique_ptr<Executor> inner, int max_steps)
    : inner_(std::move(inner)), steps_(max_steps), thread_(start_thread([this] { run(); })) {}

ThreadedExecutor::~ThreadedExecutor() {
  {
    std::lock_guard lock(mutex_);
    is_closed_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void ThreadedExecutor::execute_model(const SchedulerOutput& output) {
  {
    std::lock_guard lock(mutex_);
    QUIRE_CHECK(num_started_ - num_taken_ < steps_.size(), "{} steps", steps_.size());
    step(num_started_++).output = &output;
  }
  changed_.notify_all();
}

ModelRunnerOutput& ThreadedExecutor::sample_tokens() {
  std::unique_lock lock(mutex_);
  QUIRE_CHECK(num_taken_ < num_started_, "no step is under way");
  changed_.wait(lock, [this] { return num_taken_ < num_finished_; });
  Step& taken = step(num_taken_++);
  if (taken.error) std::rethrow_exception(std::exchange(taken.error, nullptr));
  return taken.result;
}

// Between steps its thread is not at work.
void ThreadedExecutor::sleep() {
  QUIRE_CHECK(num_taken_ == num_started_, "a step is under way");
  inner_->sleep();
}

void ThreadedExecutor::wake_up() {
  inner_->wake_up();
}

void ThreadedExecutor::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return is_closed_ || num_finished_ < num_started_; });
    if (is_closed_) return;
    Step& next = step(num_finished_);
    lock.unlock();
    run_step(next);
    lock.lock();
    ++num_finished_;
    changed_.notify_all();
  }
}

void ThreadedExecutor::run_step(Step& step) {
  if (failure_) {
    step.error = failure_;
    return;
  }
  try {
    inner_->execute_model(*step.output);
    // The inner result is written again by the next step, which may begin before this one is read.
    std::swap(step.result, inner_->sample_tokens());
  } catch (...) {
    failure_ = std::current_exception();
    step.error = failure_;
  }
}

}  // namespace quire
