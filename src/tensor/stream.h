#pragma once

#include "base/device.h"
#include "base/thread_pool.h"

namespace quire {

// Where work runs: a device and its native handle, on the CPU the thread pool. Ops come one after
// the other. They are done when they return, unless the stream is asynchronous: then only further
// ops may use what they write, until synchronize() has returned, and what they were given by
// reference stays as it is.
struct Stream {
  Device device;
  void* handle = nullptr;
  bool is_async = false;

  static Stream cpu(ThreadPool& pool) { return Stream{Device{DeviceType::kCpu, 0}, &pool}; }
  ThreadPool& pool() const { return *static_cast<ThreadPool*>(handle); }
  void synchronize() const { pool().join(); }
};

}  // namespace quire
