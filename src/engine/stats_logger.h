#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "quire/async_engine.h"

namespace quire {

// Tokens that a step brought to its readers.
struct TokenCounts {
  int64_t num_prompt_tokens = 0;  // of requests that got their first token
  int64_t num_output_tokens = 0;

  TokenCounts& operator+=(const TokenCounts& other) {
    num_prompt_tokens += other.num_prompt_tokens;
    num_output_tokens += other.num_output_tokens;
    return *this;
  }
};

// The line about speed and load that a working engine logs now and then.
class StatsLogger {
 public:
  // `now`: monotonic seconds, as in line_if_due.
  StatsLogger(bool enabled, double now, double interval = 10.0)
      : enabled_(enabled), interval_(interval), last_time_(now) {}

  void add(const TokenCounts& counts) { counts_ += counts; }
  // Call it after each step: the line, once every `interval` seconds.
  std::optional<std::string> line_if_due(double now, const EngineStats& stats);
  bool is_due(double now) const { return enabled_ && now - last_time_ >= interval_; }

 private:
  const bool enabled_;
  const double interval_;
  double last_time_;
  TokenCounts counts_;  // since last_time_
};

}  // namespace quire
