#include "base/progress_bar.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string_view>

#include <fmt/format.h>
#include <unistd.h>

#include "base/clock.h"

namespace quire {
namespace {

constexpr double kSecondsBetweenDraws = 0.1;

// "02:05", "1:02:05"; "?" when unknown.
std::string format_duration(double seconds) {
  if (!std::isfinite(seconds)) return "?";
  const auto whole = static_cast<int64_t>(seconds);
  const int64_t hours = whole / 3600;
  const std::string rest = fmt::format("{:02}:{:02}", whole / 60 % 60, whole % 60);
  return hours > 0 ? fmt::format("{}:{}", hours, rest) : rest;
}

// Eighths of a cell, so that the bar grows smoothly.
std::string format_bar(double fraction, int width) {
  static constexpr std::string_view kEighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const int num_eighths = static_cast<int>(fraction * width * 8);
  const int num_full = num_eighths / 8;
  std::string bar;
  for (int i = 0; i < num_full; ++i)
    bar += "█";
  bar += kEighths[num_eighths % 8];
  const int used = num_full + (num_eighths % 8 > 0 ? 1 : 0);
  return bar + std::string(width - used, ' ');
}

std::string format_number(double number, ProgressUnit unit) {
  if (unit == ProgressUnit::kItems) return fmt::format("{:.0f}", number);
  const char* prefix = " kMGT";
  while (number >= 1000.0 && prefix[1] != '\0') {
    number /= 1000.0;
    ++prefix;
  }
  return *prefix == ' ' ? fmt::format("{:.0f}", number) : fmt::format("{:.1f}{}", number, *prefix);
}

std::string format_speed(double rate, ProgressUnit unit) {
  if (unit == ProgressUnit::kBytes) return format_number(rate, unit) + "B/s";
  return rate > 0.0 ? fmt::format("{:5.2f}it/s", rate) : "?it/s";
}

}  // namespace

std::string ProgressLine::to_string(int bar_width) const {
  const double fraction =
      total > 0 ? std::clamp(static_cast<double>(done) / static_cast<double>(total), 0.0, 1.0)
                : 1.0;
  const double rate = elapsed > 0 ? static_cast<double>(done) / elapsed : 0.0;
  const double remaining = rate > 0 ? static_cast<double>(total - done) / rate : INFINITY;
  return fmt::format(
      "{}: {:3.0f}%|{}| {}/{} [{}<{}, {}{}{}]",
      description,
      std::floor(fraction * 100),
      format_bar(fraction, bar_width),
      format_number(static_cast<double>(done), unit),
      format_number(static_cast<double>(total), unit),
      format_duration(elapsed),
      format_duration(remaining),
      format_speed(rate, unit),
      postfix.empty() ? "" : ", ",
      postfix
  );
}

ProgressBar::ProgressBar(std::string description, int64_t total, bool enabled, ProgressUnit unit)
    : is_shown_(enabled && isatty(STDERR_FILENO) == 1), start_time_(monotonic_time()) {
  line_.description = std::move(description);
  line_.total = total;
  line_.unit = unit;
  if (is_shown_) draw();
}

ProgressBar::~ProgressBar() {
  if (!is_shown_) return;
  draw();
  std::fputc('\n', stderr);
}

double ProgressBar::elapsed() const {
  return monotonic_time() - start_time_;
}

void ProgressBar::update(int64_t done, std::string postfix) {
  if (!is_shown_) return;
  line_.done = done;
  line_.postfix = std::move(postfix);
  if (monotonic_time() - last_draw_time_ >= kSecondsBetweenDraws) draw();
}

void ProgressBar::draw() {
  last_draw_time_ = monotonic_time();
  line_.elapsed = elapsed();
  // Clears the rest of the line: the one before may have been longer.
  fmt::print(stderr, "\r{}\x1b[K", line_.to_string());
  std::fflush(stderr);
}

}  // namespace quire
