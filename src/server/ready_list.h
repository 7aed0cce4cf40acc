#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

#include "server/asio_types.h"

namespace quire::server {

// Something of an io thread that other threads wake.
class Sleeper {
 public:
  virtual void wake() = 0;

 protected:
  ~Sleeper() = default;
};

// Who is to be woken on one io thread. What an engine step makes readable comes in many calls from
// another thread, and is one message for the io thread.
class ReadyList : public std::enable_shared_from_this<ReadyList> {
 public:
  struct Entry {
    explicit Entry(Sleeper* whose) : sleeper(whose) {}
    Sleeper* sleeper;  // nullptr: it is gone. The io thread's
    std::atomic<bool> is_listed = false;
  };

  explicit ReadyList(asio::io_context& io) : io_(&io) {}

  // From any thread. Several calls before the wake-up are one.
  void add(const std::shared_ptr<Entry>& entry);
  // Waits until the io thread has taken what was added, until the deadline at most.
  void wait_taken(Clock::time_point deadline);
  // Nothing is woken any more.
  void close();

 private:
  void wake_all();

  std::mutex mutex_;  // guards all below but waking_
  asio::io_context* io_;  // nullptr: closed
  std::condition_variable taken_;
  std::vector<std::shared_ptr<Entry>> entries_;
  std::vector<std::shared_ptr<Entry>> waking_;  // of wake_all alone
};

}  // namespace quire::server
