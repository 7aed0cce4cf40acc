#pragma once

#include <chrono>

namespace quire {

// Seconds since the epoch: arrival times and timestamps that users see.
inline double wall_time() {
  using namespace std::chrono;
  return duration<double>(system_clock::now().time_since_epoch()).count();
}

// Seconds on a clock that never jumps: durations.
inline double monotonic_time() {
  using namespace std::chrono;
  return duration<double>(steady_clock::now().time_since_epoch()).count();
}

}  // namespace quire
