#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace quire {

// Many writers, one reader. The reader takes everything at once by swapping vectors, so a steady
// flow of messages reuses their capacity. close() lets the reader drain what is left.
template <class T>
class Mailbox {
 public:
  // False when closed: the message is dropped.
  [[nodiscard]] bool put(T message) {
    {
      std::lock_guard lock(mutex_);
      if (closed_) return false;
      messages_.push_back(std::move(message));
    }
    ready_.notify_one();
    return true;
  }

  // Moves all waiting messages to `out` (cleared first), without waiting.
  void drain(std::vector<T>& out) {
    out.clear();
    std::lock_guard lock(mutex_);
    std::swap(out, messages_);
  }

  // Waits for a message or close(). False: closed and empty.
  [[nodiscard]] bool wait_drain(std::vector<T>& out) {
    out.clear();
    std::unique_lock lock(mutex_);
    ready_.wait(lock, [&] { return closed_ || !messages_.empty(); });
    std::swap(out, messages_);
    return !out.empty();
  }

  void close() {
    {
      std::lock_guard lock(mutex_);
      closed_ = true;
    }
    ready_.notify_all();
  }

  bool closed() const {
    std::lock_guard lock(mutex_);
    return closed_;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable ready_;
  std::vector<T> messages_;
  bool closed_ = false;
};

}  // namespace quire
