#include "base/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <fstream>
#include <iterator>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include <sched.h>

#include "base/check.h"
#include "base/start_thread.h"

namespace quire {
namespace {

constexpr std::align_val_t kScratchAlignment{64};

struct ScratchDelete {
  void operator()(std::byte* data) const { ::operator delete[](data, kScratchAlignment); }
};

// About 50 µs of spinning: longer than the gap between two ops of a step, shorter than a step.
constexpr int kSpins = 4000;
// After this many, a waiting thread offers its CPU to whoever may be holding the others up.
constexpr int kSpinsBeforeYield = 1000;

inline void cpu_relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

// Waits for what other threads of the same task are about to do. On a busy machine one of them may
// not be running: then spinning would only take its CPU.
template <class Condition>
void spin_until(Condition condition) {
  for (int i = 0; !condition(); ++i) {
    if (i < kSpinsBeforeYield) {
      cpu_relax();
    } else {
      sched_yield();
    }
  }
}

// Waits until `value` differs from `old`: spins first, then sleeps on the futex behind atomic wait.
uint32_t wait_for_change(std::atomic<uint32_t>& value, uint32_t old) {
  for (int i = 0; i < kSpins; ++i) {
    const uint32_t now = value.load(std::memory_order_acquire);
    if (now != old) return now;
    cpu_relax();
  }
  value.wait(old, std::memory_order_acquire);
  return value.load(std::memory_order_acquire);
}

}  // namespace

// Tasks are numbered from 1; `generation` is the number of the newest, and stopping is one more.
// The caller is at most one task behind it, and no thread begins a task before all have done the
// one before, so four places hold all that are needed. The numbers may wrap.
// What different threads write lies in cache lines of their own.
struct ThreadPool::Impl {
  struct Place {
    alignas(kTaskAlignment) Call call = nullptr;
    Prefetch prefetch = nullptr;
    void* task = nullptr;
    alignas(kTaskAlignment) std::byte storage[kMaxTaskBytes];
  };
  struct alignas(64) Counter {
    std::atomic<uint32_t> value{0};
  };

  explicit Impl(int num_threads) : last_done(num_threads) {}

  bool stop = false;
  Place places[4];  // by the number of the task
  alignas(64) std::atomic<uint32_t> generation{0};
  std::vector<Counter> last_done;  // by thread: the number of its last task
  alignas(64) std::atomic<uint32_t> num_arrived{0};
  alignas(64) std::atomic<uint32_t> barrier_phase{0};
  alignas(64) std::vector<std::thread> threads;
  std::unique_ptr<std::byte[], ScratchDelete> scratch;
  size_t scratch_bytes = 0;

  Place& place_of(uint32_t number) { return places[number % std::size(places)]; }

  // Waits until all threads have done task `number`, with calls of `meanwhile` in between.
  template <class Meanwhile>
  void wait_done(uint32_t number, Meanwhile meanwhile) {
    size_t num_done = 0;
    spin_until([&] {
      while (num_done < last_done.size() && has_done(num_done, number)) {
        ++num_done;
      }
      if (num_done == last_done.size()) return true;
      meanwhile();
      return false;
    });
  }
  void wait_done(uint32_t number) {
    wait_done(number, [] {});
  }
  bool has_done(size_t thread_idx, uint32_t number) const {
    const uint32_t last = last_done[thread_idx].value.load(std::memory_order_acquire);
    return static_cast<int32_t>(last - number) >= 0;
  }

  // A thread's share of a task, after all tasks before it.
  void do_share(uint32_t number, int thread_idx) {
    const Place& place = place_of(number);
    for (size_t i = 0; thread_idx > 0 && i < sizeof(place.storage); i += 64) {
      __builtin_prefetch(place.storage + i);  // all that the caller has just written, at once
    }
    int step = 0;
    bool has_more = place.prefetch != nullptr;
    const auto prefetch = [&] {
      if (has_more) has_more = place.prefetch(place.task, thread_idx, step++);
    };
    prefetch();
    wait_done(number - 1, prefetch);
    place.call(place.task, thread_idx);
    last_done[thread_idx].value.store(number, std::memory_order_release);
  }

  // The caller's own share of task `number`, if that is still to do.
  void do_pending_share(uint32_t number) {
    if (!has_done(0, number)) do_share(number, 0);
  }

  void work(int thread_idx) {
    for (uint32_t number = 1;; ++number) {
      wait_for_change(generation, number - 1);
      if (stop) return;
      do_share(number, thread_idx);
    }
  }

  // When all tasks are done.
  void end_threads() {
    stop = true;
    generation.fetch_add(1, std::memory_order_release);
    generation.notify_all();
    for (std::thread& thread : threads)
      thread.join();
  }
};

ThreadPool::ThreadPool(int num_threads) : num_threads_(num_threads) {
  QUIRE_CHECK(num_threads >= 1, "num_threads={}", num_threads);
  impl_ = std::make_unique<Impl>(num_threads);
  impl_->threads.reserve(num_threads - 1);
  try {
    for (int i = 1; i < num_threads; ++i)
      impl_->threads.push_back(start_thread([this, i] { impl_->work(i); }));
  } catch (...) {
    impl_->end_threads();
    throw;
  }
}

ThreadPool::~ThreadPool() {
  join();
  impl_->end_threads();
}

void ThreadPool::run(FunctionRef<void(int)> task) {
  post(
      [](void* self, int thread_idx) { (*static_cast<decltype(task)*>(self))(thread_idx); },
      nullptr,
      &task
  );
  join();
}

void ThreadPool::join() {
  if (num_threads_ == 1) return;
  const uint32_t newest = impl_->generation.load(std::memory_order_relaxed);
  impl_->do_pending_share(newest);
  impl_->wait_done(newest);
}

void* ThreadPool::next_task_place() {
  return impl_->place_of(impl_->generation.load(std::memory_order_relaxed) + 1).storage;
}

void ThreadPool::post(Call call, Prefetch prefetch, void* task) {
  if (num_threads_ == 1) return call(task, 0);
  const uint32_t previous = impl_->generation.load(std::memory_order_relaxed);
  Impl::Place& place = impl_->place_of(previous + 1);
  place.call = call;
  place.prefetch = prefetch;
  place.task = task;
  impl_->generation.store(previous + 1, std::memory_order_release);
  impl_->generation.notify_all();
  impl_->do_pending_share(previous);
}

void* ThreadPool::scratch(size_t num_bytes) {
  if (num_bytes > impl_->scratch_bytes) {
    join();
    impl_->scratch.reset();
    impl_->scratch.reset(new (kScratchAlignment) std::byte[num_bytes]);
    impl_->scratch_bytes = num_bytes;
  }
  return impl_->scratch.get();
}

void ThreadPool::barrier() {
  if (num_threads_ == 1) return;
  const uint32_t phase = impl_->barrier_phase.load(std::memory_order_acquire);
  if (impl_->num_arrived.fetch_add(1, std::memory_order_acq_rel) + 1 ==
      static_cast<uint32_t>(num_threads_)) {
    impl_->num_arrived.store(0, std::memory_order_relaxed);
    impl_->barrier_phase.store(phase + 1, std::memory_order_release);
    return;
  }
  spin_until([&] { return impl_->barrier_phase.load(std::memory_order_acquire) != phase; });
}

int available_cpus() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  const bool is_known = sched_getaffinity(0, sizeof(allowed), &allowed) == 0;
  int count = is_known ? std::max(1, CPU_COUNT(&allowed)) : 1;
  std::ifstream quota_file("/sys/fs/cgroup/cpu.max");
  std::string quota;
  double period = 0;
  if (quota_file >> quota >> period && quota != "max" && period > 0) {
    count = std::clamp(static_cast<int>(std::stod(quota) / period + 0.5), 1, count);
  }
  return count;
}

}  // namespace quire
