#include "base/thread_pool.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <set>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "base/check.h"

namespace quire {
namespace {

class ThreadPoolOf : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Sizes, ThreadPoolOf, testing::Values(1, 2, 3, 8));

TEST_P(ThreadPoolOf, RunCallsTheTaskOncePerThreadEachTime) {
  ThreadPool pool(GetParam());
  ASSERT_EQ(pool.num_threads(), GetParam());
  std::vector<int> num_calls(GetParam(), 0);
  for (int i = 0; i < 500; ++i) {
    pool.run([&](int thread_idx) { ++num_calls[thread_idx]; });
  }
  EXPECT_EQ(num_calls, std::vector<int>(GetParam(), 500));
}

TEST_P(ThreadPoolOf, EachIndexHasAThreadOfItsOwnAndTheCallerIsTheFirst) {
  ThreadPool pool(GetParam());
  std::vector<std::thread::id> ids(GetParam());
  pool.run([&](int thread_idx) { ids[thread_idx] = std::this_thread::get_id(); });
  EXPECT_EQ(ids[0], std::this_thread::get_id());
  EXPECT_EQ(std::set(ids.begin(), ids.end()).size(), ids.size());
}

TEST_P(ThreadPoolOf, BehindABarrierEveryThreadSeesWhatAllDidBefore) {
  ThreadPool pool(GetParam());
  constexpr int kNumPhases = 50;
  std::vector<int> phase_of(GetParam(), 0);
  std::atomic<int> num_late = 0;
  pool.run([&](int thread_idx) {
    for (int phase = 1; phase <= kNumPhases; ++phase) {
      phase_of[thread_idx] = phase;
      pool.barrier();
      for (const int other : phase_of)
        num_late += other != phase ? 1 : 0;
      pool.barrier();
    }
  });
  EXPECT_EQ(num_late, 0);
}

TEST_P(ThreadPoolOf, WorkersThatFellAsleepWakeForTheNextTask) {
  ThreadPool pool(GetParam());
  std::atomic<int> num_calls = 0;
  for (int i = 0; i < 3; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    pool.run([&](int) { ++num_calls; });
  }
  EXPECT_EQ(num_calls, 3 * GetParam());
}

TEST(ThreadPool, ScratchIsAlignedAndGrowsToTheLargestSize) {
  ThreadPool pool(1);
  void* small = pool.scratch(100);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(small) % 64, 0U);
  std::memset(small, 1, 100);
  void* large = pool.scratch(100'000);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(large) % 64, 0U);
  std::memset(large, 1, 100'000);
  EXPECT_EQ(pool.scratch(50), large) << "a smaller need takes the same memory";
}

TEST(ThreadPool, APoolWithoutThreadsIsABug) {
  EXPECT_THROW(ThreadPool(0), InternalError);
}

TEST(ThreadPool, AtLeastOneCpuIsAvailable) {
  EXPECT_GE(available_cpus(), 1);
  EXPECT_LE(available_cpus(), static_cast<int>(std::thread::hardware_concurrency()));
}

}  // namespace
}  // namespace quire
