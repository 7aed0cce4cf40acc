#pragma once

#include "base/device.h"
#include "base/thread_pool.h"

namespace quire {

// Where work runs: a device and its native handle. On the CPU that is the thread pool, and work is
// done when the call returns.
struct Stream {
  Device device;
  void* handle = nullptr;

  static Stream cpu(ThreadPool& pool) { return Stream{Device{DeviceType::kCpu, 0}, &pool}; }
  ThreadPool& pool() const { return *static_cast<ThreadPool*>(handle); }
};

}  // namespace quire
