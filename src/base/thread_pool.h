#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/function_ref.h"

namespace quire {

// Fork-join over a fixed set of threads, for kernels. The caller is thread 0, so a pool of one
// starts no thread. Workers spin for a short while after a task and then sleep on a futex: a step
// of many small ops pays about a microsecond per fork, an idle engine costs no CPU.
// One caller at a time; run() does not nest.
class ThreadPool {
 public:
  explicit ThreadPool(int num_threads);  // >= 1
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int num_threads() const { return num_threads_; }

  // Calls task(thread_idx) once per thread, thread_idx in [0, num_threads), and returns when all
  // are done. Tasks must not throw.
  void run(FunctionRef<void(int)> task);

  // Memory for what a kernel needs between its steps: 64-byte aligned, undefined contents, valid
  // until the next call. Grows to the largest size asked for, so a steady step allocates nothing.
  // Outside run() only.
  void* scratch(size_t num_bytes);

  // Inside run() only: waits until every thread of the pool has come here.
  void barrier();

 private:
  struct Impl;
  int num_threads_;
  std::unique_ptr<Impl> impl_;
};

// The CPUs this process may use: affinity mask and cgroup quota, at least 1.
int available_cpus();

}  // namespace quire
