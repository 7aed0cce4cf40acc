#include "server/blocking_calls.h"

#include <system_error>
#include <utility>

#include "base/log.h"

namespace quire::server {

BlockingCalls::~BlockingCalls() {
  {
    std::lock_guard lock(mutex_);
    is_ending_ = true;
  }
  has_changed_.notify_all();
  for (std::thread& thread : threads_)
    thread.join();
}

bool BlockingCalls::start(std::function<void()> call) {
  std::lock_guard lock(mutex_);
  if (num_calls_ == kMaxCalls) return false;
  if (num_calls_ == threads_.size()) {
    try {
      threads_.emplace_back([this] { work(); });
    } catch (const std::system_error& error) {
      QUIRE_LOG_ERROR("A thread cannot be started: {}", error.what());
      return false;
    }
  }
  calls_.push_back(std::move(call));
  ++num_calls_;
  has_changed_.notify_one();
  return true;
}

void BlockingCalls::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    has_changed_.wait(lock, [this] { return is_ending_ || !calls_.empty(); });
    if (calls_.empty()) return;
    const std::function<void()> call = std::move(calls_.front());
    calls_.pop_front();
    lock.unlock();
    call();
    lock.lock();
    --num_calls_;
  }
}

}  // namespace quire::server
