#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "base/function_ref.h"

namespace quire {

// Fork-join over a fixed set of threads, for kernels. The caller is thread 0, so a pool of one
// starts no thread. Workers spin for a short while after a task and then sleep on a futex: a step
// of many small ops pays about a microsecond per fork, an idle engine costs no CPU.
// One caller at a time; run() does not nest.
class ThreadPool {
 public:
  // num_threads >= 1. Throws EnvironmentError if the system does not give so many.
  explicit ThreadPool(int num_threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int num_threads() const { return num_threads_; }

  // Calls task(thread_idx) once per thread, thread_idx in [0, num_threads), and returns when all
  // are done. Tasks must not throw.
  void run(FunctionRef<void(int)> task);

  // Makes a Task of `args` inside the pool, which the threads call like that of run() once all that
  // was started before is done. The caller does its own share when it starts the next task or
  // joins: then the next one is already known, and waiting threads fetch what it needs.
  // A Task may have `bool prefetch(int thread_idx, int step) const`, called by a waiting thread
  // with step = 0, 1, … until it returns false. It must only touch what no earlier task writes.
  template <class Task, class... Args>
  void start(Args&&... args);

  // Waits until all that was started is done.
  void join();

  // Memory for what a kernel needs between its steps: 64-byte aligned, undefined contents, valid
  // until the next call. Grows to the largest size asked for, so a steady step allocates nothing.
  // Outside of tasks only, which alone may write to it.
  void* scratch(size_t num_bytes);

  // Inside of tasks only: waits until every thread of the pool has come here.
  void barrier();

 private:
  using Call = void (*)(void* task, int thread_idx);
  using Prefetch = bool (*)(const void* task, int thread_idx, int step);
  static constexpr size_t kMaxTaskBytes = 512;
  static constexpr size_t kTaskAlignment = 64;

  void* next_task_place();  // that no thread uses any more
  void post(Call call, Prefetch prefetch, void* task);

  struct Impl;
  int num_threads_;
  std::unique_ptr<Impl> impl_;
};

template <class Task, class... Args>
void ThreadPool::start(Args&&... args) {
  static_assert(sizeof(Task) <= kMaxTaskBytes && alignof(Task) <= kTaskAlignment);
  static_assert(std::is_trivially_destructible_v<Task>, "a later task takes its place");
  Task* task = new (next_task_place()) Task(std::forward<Args>(args)...);
  Prefetch prefetch = nullptr;
  if constexpr (requires { task->prefetch(0, 0); }) {
    prefetch = [](const void* self, int thread_idx, int step) {
      return static_cast<const Task*>(self)->prefetch(thread_idx, step);
    };
  }
  post([](void* self, int thread_idx) { (*static_cast<Task*>(self))(thread_idx); }, prefetch, task);
}

// The CPUs this process may use: affinity mask and cgroup quota, at least 1.
int available_cpus();

}  // namespace quire
