#pragma once

#include <system_error>
#include <thread>
#include <utility>

namespace quire {

[[noreturn]] void fail_to_start_thread(const std::system_error& error);

// A std::thread or std::jthread that runs `work`. Throws EnvironmentError, which says what to do,
// when the system gives no more threads.
template <class Thread = std::thread, class Work>
Thread start_thread(Work&& work) {
  try {
    return Thread(std::forward<Work>(work));
  } catch (const std::system_error& error) {
    fail_to_start_thread(error);
  }
}

}  // namespace quire
