#include "base/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <set>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/check.h"
#include "quire/error.h"
#include "support/thread_limit.h"

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

TEST(ThreadPool, ThreadsThatCannotBeStartedAreAnErrorAndTheOthersEnd) {
  for (const int num_more : {0, 2}) {
    const test::ThreadLimit limit(num_more);
    try {
      const ThreadPool pool(num_more + 2);
      FAIL() << "the limit let all of them start";
    } catch (const EnvironmentError& error) {
      EXPECT_NE(std::string(error.what()).find("ulimit -u"), std::string::npos) << error.what();
    }
    const ThreadPool smaller(num_more + 1);
    EXPECT_EQ(smaller.num_threads(), num_more + 1);
  }
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

// Every thread sums up what all left in the task before: wrong when one of them begins too early.
struct Summing {
  Summing(const std::vector<int64_t>& from, std::vector<int64_t>& to) : from(&from), to(&to) {}
  void operator()(int thread_idx) const {
    int64_t sum = 0;
    for (const int64_t value : *from)
      sum += value;
    (*to)[thread_idx] = sum % 1'000'003 + 1;
  }
  const std::vector<int64_t>* from;
  std::vector<int64_t>* to;
};

TEST_P(ThreadPoolOf, StartedTasksSeeAllOfTheTaskBeforeThem) {
  ThreadPool pool(GetParam());
  std::vector<int64_t> values[2];
  values[0].assign(GetParam(), 1);
  values[1].assign(GetParam(), 0);
  int64_t expected = 1;
  constexpr int kNumTasks = 2000;
  for (int i = 0; i < kNumTasks; ++i) {
    pool.start<Summing>(values[i % 2], values[(i + 1) % 2]);
    expected = expected * GetParam() % 1'000'003 + 1;
  }
  pool.join();
  EXPECT_EQ(values[kNumTasks % 2], std::vector<int64_t>(GetParam(), expected));
}

TEST(ThreadPool, StartReturnsWhileAWorkerIsStillAtItsShare) {
  ThreadPool pool(2);
  struct Share {
    explicit Share(std::atomic<int>& state) : state(&state) {}
    void operator()(int thread_idx) const {
      if (thread_idx == 0) return;
      while (*state != 1) {
      }
      *state = 2;
    }
    std::atomic<int>* state;
  };
  std::atomic<int> state = 0;
  pool.start<Share>(state);
  EXPECT_EQ(state, 0) << "the worker waits for what follows";
  state = 1;
  pool.join();
  EXPECT_EQ(state, 2);
}

TEST(ThreadPool, TheCallersShareWaitsForTheNextStartOrForJoin) {
  struct Share {
    Share(std::vector<int>& done_by_caller, int number)
        : done_by_caller(&done_by_caller), number(number) {}
    void operator()(int thread_idx) const {
      if (thread_idx == 0) done_by_caller->push_back(number);
    }
    std::vector<int>* done_by_caller;
    int number;
  };
  ThreadPool pool(2);
  std::vector<int> done_by_caller;
  pool.start<Share>(done_by_caller, 1);
  EXPECT_EQ(done_by_caller, std::vector<int>());
  pool.start<Share>(done_by_caller, 2);
  EXPECT_EQ(done_by_caller, std::vector<int>({1}));
  pool.join();
  EXPECT_EQ(done_by_caller, std::vector<int>({1, 2}));
}

TEST(ThreadPool, AThreadFetchesWhatItNeedsStepByStepWhileItWaits) {
  struct Held {  // the worker's share lasts until the caller has fetched all for the next task
    explicit Held(std::atomic<int>& num_fetched) : num_fetched(&num_fetched) {}
    void operator()(int thread_idx) const {
      while (thread_idx == 1 && *num_fetched < 3) {
      }
    }
    std::atomic<int>* num_fetched;
  };
  struct Fetching {
    Fetching(std::vector<int>& steps, std::atomic<int>& num_fetched)
        : steps(&steps), num_fetched(&num_fetched) {}
    bool prefetch(int thread_idx, int step) const {
      if (thread_idx == 1) return false;
      steps->push_back(step);
      return ++*num_fetched < 3;
    }
    void operator()(int thread_idx) const {
      if (thread_idx == 0) steps->push_back(-1);
    }
    std::vector<int>* steps;
    std::atomic<int>* num_fetched;
  };
  ThreadPool pool(2);
  std::vector<int> steps;
  std::atomic<int> num_fetched = 0;
  pool.start<Held>(num_fetched);
  pool.start<Fetching>(steps, num_fetched);
  pool.join();
  EXPECT_EQ(steps, std::vector<int>({0, 1, 2, -1}))
      << "no step after the last, all before the call";
}

TEST_P(ThreadPoolOf, RunWaitsForWhatWasStarted) {
  ThreadPool pool(GetParam());
  std::vector<int64_t> values[2];
  values[0].assign(GetParam(), 1);
  values[1].assign(GetParam(), 0);
  pool.start<Summing>(values[0], values[1]);
  std::atomic<int> num_wrong = 0;
  pool.run([&](int) {
    for (const int64_t value : values[1])
      num_wrong += value != GetParam() + 1 ? 1 : 0;
  });
  EXPECT_EQ(num_wrong, 0);
}

// Whether the kernel has the thread waiting: neither running nor ready to.
bool is_asleep(pid_t thread_id) {
  std::ifstream file("/proc/self/task/" + std::to_string(thread_id) + "/stat");
  const std::string stat{std::istreambuf_iterator<char>(file), {}};
  const size_t end_of_name = stat.rfind(") ");
  return end_of_name != std::string::npos && stat[end_of_name + 2] == 'S';
}

bool fall_asleep(std::span<const pid_t> thread_ids) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!std::ranges::all_of(thread_ids, is_asleep)) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

TEST_P(ThreadPoolOf, WorkersFallAsleepAndWakeForTheNextTask) {
  ThreadPool pool(GetParam());
  std::vector<pid_t> thread_ids(GetParam());
  pool.run([&](int thread_idx) { thread_ids[thread_idx] = gettid(); });
  const auto workers = std::span(thread_ids).subspan(1);  // the caller is the first
  std::vector<int> num_calls(GetParam(), 0);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(fall_asleep(workers)) << "workers spin while there is nothing to do";
    pool.run([&](int thread_idx) { ++num_calls[thread_idx]; });
  }
  EXPECT_EQ(num_calls, std::vector<int>(GetParam(), 3));
}

TEST(ThreadPool, AThreadThatRunsIsNotTakenForAsleep) {
  ThreadPool pool(2);
  std::atomic<pid_t> worker = 0;
  std::atomic<bool> is_seen = false;
  bool was_asleep = false;
  pool.run([&](int thread_idx) {
    if (thread_idx == 1) {
      worker = gettid();
      while (!is_seen) {
      }
      return;
    }
    while (worker == 0) {
    }
    was_asleep = is_asleep(worker);
    is_seen = true;
  });
  EXPECT_FALSE(was_asleep);
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
