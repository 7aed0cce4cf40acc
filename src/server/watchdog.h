#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "quire/async_engine.h"

namespace quire::server {

// Notices an engine that has work and makes no progress. Times are monotonic seconds.
class ProgressMonitor {
 public:
  explicit ProgressMonitor(double timeout) : timeout_(timeout) {}

  // Why the engine must be called stuck; nullopt: it goes on, has nothing to do, or is paused.
  std::optional<std::string> look(double now, const EngineStats& stats);

 private:
  double timeout_;
  int64_t num_steps_ = -1;
  double last_progress_ = 0.0;
  bool is_stuck_ = false;
};

enum class WatchdogAction : uint8_t { kNone, kAbortRequests, kExit };
// Throws InvalidArgument (field "watchdog_action") for another name than abort-requests and exit.
WatchdogAction parse_watchdog_action(const std::optional<std::string>& name);

// Looks after the engine on a thread of its own.
class Watchdog {
 public:
  struct Config {
    double timeout = 60.0;  // seconds without progress; 0: nobody looks
    WatchdogAction action = WatchdogAction::kNone;
    double interval = 1.0;  // seconds between two looks, less for a shorter timeout
    std::function<void()> exit;  // what kExit does; default: ends the process with status 1
  };
  Watchdog(AsyncEngine& engine, Config config);
  ~Watchdog();

  // Why the engine is stuck; nullopt while it is not.
  std::optional<std::string> reason() const;

 private:
  void run(const std::stop_token& stop);
  void look(ProgressMonitor& monitor);
  void act(const std::string& reason);

  AsyncEngine& engine_;
  const Config config_;
  mutable std::mutex mutex_;
  std::optional<std::string> reason_;  // guarded by mutex_
  std::jthread thread_;  // the last member: it uses the others
};

}  // namespace quire::server
