#pragma once

#include <functional>
#include <mutex>

namespace quire {

// Tells a reader that there is something to read, until the reader goes. The callback may itself
// make the reader go.
class ReaderCallback {
 public:
  explicit ReaderCallback(std::function<void()> function) : function_(std::move(function)) {}

  // An exception of the callback is logged.
  void call();
  // No call begins after it, and none on another thread is under way.
  void detach();

 private:
  const std::function<void()> function_;  // may be empty
  std::recursive_mutex mutex_;  // held by a call
  bool is_detached_ = false;
};

}  // namespace quire
