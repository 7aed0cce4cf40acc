#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace quire::server {

// Threads for calls that wait, perhaps for long, such as for the engine. Each call has one to
// itself, so that none waits for another; threads start on demand.
class BlockingCalls {
 public:
  static constexpr size_t kMaxCalls = 32;  // at once

  BlockingCalls() = default;
  ~BlockingCalls();  // waits for the calls
  BlockingCalls(const BlockingCalls&) = delete;
  BlockingCalls& operator=(const BlockingCalls&) = delete;

  // Runs `call`, which does not throw. False: there is no thread left for it.
  [[nodiscard]] bool start(std::function<void()> call);

 private:
  void work();

  std::mutex mutex_;  // guards all below
  std::condition_variable has_changed_;
  std::deque<std::function<void()>> calls_;  // that no thread has taken yet
  size_t num_calls_ = 0;  // these, and those that run
  std::vector<std::thread> threads_;  // num_calls_ or more
  bool is_ending_ = false;
};

}  // namespace quire::server
