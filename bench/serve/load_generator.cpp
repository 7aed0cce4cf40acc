#include "bench/serve/load_generator.h"

#include <algorithm>
#include <deque>
#include <limits>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/open_file_limit.h"
#include "bench/serve/call_exchange.h"
#include "quire/error.h"

namespace quire::bench {
namespace {

constexpr double kProgressSeconds = 0.1;

class LoadRun {
 public:
  LoadRun(const client::Url& url, const std::vector<PlannedCall>& calls, const LoadOptions& options)
      : calls_(calls), options_(options), loop_(url), shared_{options} {
    result_.records.resize(calls.size());
    max_calls_ = options.max_concurrency > 0 ? static_cast<size_t>(options.max_concurrency)
                                             : std::numeric_limits<size_t>::max();
  }

  LoadResult run() {
    result_.start = monotonic_time();
    shared_.last_progress = result_.start;
    while (shared_.num_done < calls_.size()) {
      start_due_calls();
      loop_.poll(seconds_to_wait());
      check_progress();
    }
    result_.duration = monotonic_time() - result_.start;
    result_.num_events = shared_.num_events;
    result_.num_bytes = loop_.num_bytes_received();
    return std::move(result_);
  }

 private:
  bool can_start() const {
    return exchanges_.size() < calls_.size() && loop_.num_calls() < max_calls_;
  }

  void start_due_calls() {
    while (can_start()) {
      const size_t i = exchanges_.size();
      const double now = monotonic_time();
      if (result_.start + calls_[i].at > now) return;
      CallRecord& record = result_.records[i];
      record.start = now;
      exchanges_.emplace_back(shared_, calls_[i], record);
      loop_.start(calls_[i].bytes, exchanges_.back());
    }
  }

  double seconds_to_wait() const {
    if (!can_start()) return kProgressSeconds;
    const double due = result_.start + calls_[exchanges_.size()].at;
    // Poll waits whole milliseconds: the last one is spent turning, so that no call is late.
    return std::clamp(due - monotonic_time() - 1e-3, 0.0, kProgressSeconds);
  }

  void check_progress() {
    const double now = monotonic_time();
    if (options_.on_progress && now > last_shown_ + kProgressSeconds) {
      last_shown_ = now;
      options_.on_progress(shared_.num_done);
    }
    if (loop_.num_calls() == 0) shared_.last_progress = now;
    if (now - shared_.last_progress <= options_.timeout) return;
    throw EnvironmentError(fmt::format(
        "The server has sent nothing for {:.0f} s, with {} requests under way.",
        options_.timeout,
        loop_.num_calls()
    ));
  }

  const std::vector<PlannedCall>& calls_;
  const LoadOptions& options_;
  client::HttpLoop loop_;
  ExchangeShared shared_;
  std::deque<CallExchange> exchanges_;  // of the calls that were started, in order
  size_t max_calls_;
  double last_shown_ = 0.0;
  LoadResult result_;
};

}  // namespace

LoadResult run_load(
    const client::Url& url, const std::vector<PlannedCall>& calls, const LoadOptions& options
) {
  raise_open_file_limit();
  return LoadRun(url, calls, options).run();
}

}  // namespace quire::bench
