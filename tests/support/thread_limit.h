#pragma once

#include <fstream>
#include <stdexcept>

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

namespace quire::test {

// While it lives the process can start so many threads more: each reserves a large stack, and there
// is address space for no more of them.
class ThreadLimit {
 public:
  explicit ThreadLimit(int num_threads) {
    getrlimit(RLIMIT_AS, &old_limit_);
    pthread_getattr_default_np(&old_attributes_);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, kStackBytes);
    rlimit limit = old_limit_;
    limit.rlim_cur = mapped_bytes() + num_threads * kStackBytes + kStackBytes / 2;
    const bool is_set =
        pthread_setattr_default_np(&attributes) == 0 && setrlimit(RLIMIT_AS, &limit) == 0;
    pthread_attr_destroy(&attributes);
    if (!is_set) throw std::runtime_error("threads cannot be limited");
  }
  ~ThreadLimit() {
    setrlimit(RLIMIT_AS, &old_limit_);
    pthread_setattr_default_np(&old_attributes_);
    pthread_attr_destroy(&old_attributes_);
  }
  ThreadLimit(const ThreadLimit&) = delete;
  ThreadLimit& operator=(const ThreadLimit&) = delete;

 private:
  static constexpr size_t kStackBytes = size_t{2} << 30;

  static size_t mapped_bytes() {
    size_t num_pages = 0;
    std::ifstream("/proc/self/statm") >> num_pages;
    return num_pages * static_cast<size_t>(sysconf(_SC_PAGESIZE));
  }

  rlimit old_limit_ = {};
  pthread_attr_t old_attributes_;
};

}  // namespace quire::test
