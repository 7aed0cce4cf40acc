#include "bench/arrival_trace.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <optional>
#include <string>

#include <fmt/format.h>

#include "quire/error.h"

namespace quire::bench {
namespace {

constexpr int kMaxTokens = 1 << 24;

// Takes the text up to `end`, and `end` itself; nullopt: it is not there.
std::optional<std::string_view> take_until(std::string_view& text, char end) {
  const size_t place = text.find(end);
  if (place == std::string_view::npos) return std::nullopt;
  const std::string_view taken = text.substr(0, place);
  text.remove_prefix(place + 1);
  return taken;
}

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<int> parse_int(std::optional<std::string_view> text, int low, int high) {
  if (!text) return std::nullopt;
  const auto number = parse_number<int>(*text);
  if (!number || *number < low || *number > high) return std::nullopt;
  return number;
}

// Seconds since the epoch of "YYYY-MM-DD hh:mm:ss.fraction".
std::optional<double> parse_time(std::string_view text) {
  const auto year = parse_int(take_until(text, '-'), 1970, 2200);
  const auto month = parse_int(take_until(text, '-'), 1, 12);
  const auto day = parse_int(take_until(text, ' '), 1, 31);
  const auto hour = parse_int(take_until(text, ':'), 0, 23);
  const auto minute = parse_int(take_until(text, ':'), 0, 59);
  const auto second = parse_number<double>(text);
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  if (!(*second >= 0.0 && *second < 61.0)) return std::nullopt;
  const std::chrono::year_month_day date{
      std::chrono::year(*year), std::chrono::month(*month), std::chrono::day(*day)};
  if (!date.ok()) return std::nullopt;
  const auto days = std::chrono::sys_days(date).time_since_epoch().count();
  return 86400.0 * static_cast<double>(days) + 3600.0 * *hour + 60.0 * *minute + *second;
}

std::optional<TracedRequest> parse_line(std::string_view line) {
  const auto time_text = take_until(line, ',');
  const auto time = time_text ? parse_time(*time_text) : std::nullopt;
  const auto num_context = parse_int(take_until(line, ','), 1, kMaxTokens);
  const auto num_generated = parse_int(line, 0, kMaxTokens);
  if (!time || !num_context || !num_generated) return std::nullopt;
  return TracedRequest{*time, *num_context, *num_generated};
}

[[noreturn]] void fail(size_t line_number, const char* why) {
  throw InvalidArgument("trace", fmt::format("line {} of the trace {}.", line_number, why));
}

}  // namespace

std::vector<TracedRequest> parse_arrival_trace(std::string_view csv) {
  std::vector<TracedRequest> requests;
  double first = 0.0;
  for (size_t number = 1; !csv.empty(); ++number) {
    const size_t end = std::min(csv.find('\n'), csv.size());
    std::string_view line = csv.substr(0, end);
    csv.remove_prefix(std::min(end + 1, csv.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (number == 1) {
      if (line == "TIMESTAMP,ContextTokens,GeneratedTokens") continue;
      fail(number, "is not the heading TIMESTAMP,ContextTokens,GeneratedTokens");
    }
    if (line.empty()) continue;
    std::optional<TracedRequest> request = parse_line(line);
    if (!request) fail(number, "is not a time and two numbers of tokens");
    if (requests.empty()) first = request->arrival;
    request->arrival -= first;
    if (!requests.empty() && request->arrival < requests.back().arrival) {
      fail(number, "is earlier than the line before");
    }
    requests.push_back(*request);
  }
  return requests;
}

double length_scale(const std::vector<TracedRequest>& requests, int max_model_len) {
  int longest = 1;
  for (const TracedRequest& request : requests) {
    longest = std::max(longest, request.num_context_tokens + request.num_generated_tokens);
  }
  return std::min(1.0, static_cast<double>(max_model_len) / longest);
}

}  // namespace quire::bench
