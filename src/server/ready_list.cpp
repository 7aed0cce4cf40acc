#include "server/ready_list.h"

#include <exception>

#include <boost/asio/post.hpp>

#include "base/log.h"

namespace quire::server {

void ReadyList::add(const std::shared_ptr<Entry>& entry) {
  if (entry->is_listed.exchange(true, std::memory_order_acq_rel)) return;
  std::lock_guard lock(mutex_);
  if (io_ == nullptr) return;
  entries_.push_back(entry);
  if (entries_.size() > 1) return;
  // Under the lock, so that close() keeps the io context alive for it.
  asio::post(*io_, [self = shared_from_this()] { self->wake_all(); });
}

void ReadyList::wait_taken(Clock::time_point deadline) {
  std::unique_lock lock(mutex_);
  taken_.wait_until(lock, deadline, [this] { return entries_.empty(); });
}

void ReadyList::close() {
  {
    std::lock_guard lock(mutex_);
    io_ = nullptr;
    entries_.clear();
  }
  taken_.notify_all();
}

void ReadyList::wake_all() {
  waking_.clear();  // entries_ must be empty afterwards, or nothing is posted any more
  {
    std::lock_guard lock(mutex_);
    std::swap(entries_, waking_);
  }
  taken_.notify_all();
  for (const std::shared_ptr<Entry>& entry : waking_) {
    // First, so that what comes from here on wakes again.
    entry->is_listed.store(false, std::memory_order_release);
    try {
      if (entry->sleeper != nullptr) entry->sleeper->wake();
    } catch (const std::exception& error) {  // of one; the others are woken
      QUIRE_LOG_ERROR("A connection could not go on: {}", error.what());
    }
  }
  waking_.clear();
}

}  // namespace quire::server
