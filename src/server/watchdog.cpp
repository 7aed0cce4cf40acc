#include "server/watchdog.h"

#include <algorithm>
#include <condition_variable>
#include <cstdlib>
#include <exception>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/log.h"
#include "quire/error.h"

namespace quire::server {
namespace {

constexpr double kLooksPerTimeout = 4.0;

// Nothing is waited for: the engine's thread would never end.
void end_process() {
  spdlog::default_logger_raw()->flush();
  std::_Exit(1);
}

}  // namespace

std::optional<std::string> ProgressMonitor::look(double now, const EngineStats& stats) {
  const bool has_work = stats.num_unfinished_reqs > 0 && !stats.is_paused;
  // Requests that were given up leave the engine's own count only when its thread goes on.
  const bool is_empty = stats.num_unfinished_reqs + stats.num_running_reqs +
                            stats.num_waiting_reqs + stats.num_swapped_reqs ==
                        0;
  const bool goes_on = stats.num_steps != num_steps_ || (is_stuck_ ? is_empty : !has_work);
  if (goes_on) {
    num_steps_ = stats.num_steps;
    last_progress_ = now;
    is_stuck_ = false;
    return std::nullopt;
  }
  const double seconds = now - last_progress_;
  is_stuck_ = is_stuck_ || seconds >= timeout_;
  if (!is_stuck_) return std::nullopt;
  return fmt::format(
      "The engine has made no progress for {:.1f} s, with {} requests unfinished.",
      seconds,
      stats.num_unfinished_reqs
  );
}

WatchdogAction parse_watchdog_action(const std::optional<std::string>& name) {
  if (!name) return WatchdogAction::kNone;
  if (*name == "abort-requests") return WatchdogAction::kAbortRequests;
  if (*name == "exit") return WatchdogAction::kExit;
  throw InvalidArgument(
      "watchdog_action",
      fmt::format("watchdog_action='{}' is not known. Use one of: abort-requests, exit.", *name)
  );
}

Watchdog::Watchdog(AsyncEngine& engine, Config config)
    : engine_(engine), config_(std::move(config)) {
  if (config_.timeout <= 0.0) return;
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

Watchdog::~Watchdog() = default;

std::optional<std::string> Watchdog::reason() const {
  std::lock_guard lock(mutex_);
  return reason_;
}

void Watchdog::run(const std::stop_token& stop) {
  const auto interval =
      std::chrono::duration<double>(std::min(config_.interval, config_.timeout / kLooksPerTimeout));
  ProgressMonitor monitor(config_.timeout);
  std::mutex mutex;
  std::condition_variable_any stopped;
  std::unique_lock lock(mutex);
  while (!stopped.wait_for(lock, stop, interval, [&] { return stop.stop_requested(); })) {
    try {
      look(monitor);
    } catch (const std::exception& error) {
      QUIRE_LOG_ERROR("The watchdog could not look at the engine: {}", error.what());
    }
  }
}

void Watchdog::look(ProgressMonitor& monitor) {
  const std::optional<std::string> reason = monitor.look(monotonic_time(), engine_.stats());
  bool is_new;
  bool is_over;
  {
    std::lock_guard lock(mutex_);
    is_new = reason && !reason_;
    is_over = !reason && reason_;
    reason_ = reason;
  }
  if (is_new) act(*reason);
  if (is_over) QUIRE_LOG_INFO("The engine is no more stuck.");
}

void Watchdog::act(const std::string& reason) {
  QUIRE_LOG_ERROR("{}", reason);
  if (config_.action == WatchdogAction::kAbortRequests) engine_.abort_all(reason);
  if (config_.action != WatchdogAction::kExit) return;
  if (config_.exit) {
    config_.exit();
  } else {
    end_process();
  }
}

}  // namespace quire::server
