#include "cli/option_value.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <limits>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/utf8.h"
#include "quire/error.h"

namespace quire::cli {
namespace {

struct Unit {
  const char* name;
  int64_t factor;
};
constexpr Unit kUnits[] = {
    {"", 1},
    {"k", 1000},
    {"K", 1000},
    {"M", 1000 * 1000},
    {"G", 1000 * 1000 * 1000},
    {"Ki", 1 << 10},
    {"Mi", 1 << 20},
    {"Gi", 1 << 30},
};

[[noreturn]] void fail(
    const std::string& option, const std::string& word, const std::string& what
) {
  throw InvalidArgument(option, fmt::format("'{}' is not {}.", word, what));
}

[[noreturn]] void fail_range(
    const std::string& option, const std::string& word, int64_t min, int64_t max
) {
  fail(option, word, fmt::format("between {} and {}", min, max));
}

// 25.6k: exact in thousandths, which is as fine as a fraction may be.
int64_t parse_fraction(
    const std::string& option, const std::string& word, const char* point, int64_t whole
) {
  constexpr size_t kMaxDigits = 3;
  const std::string rest(point + 1, word.data() + word.size());
  const size_t num_digits = std::min(rest.find_first_not_of("0123456789"), rest.size());
  const std::string unit = rest.substr(num_digits);
  const auto* known = std::ranges::find_if(kUnits, [&](const Unit& u) { return unit == u.name; });
  const bool is_decimal = known != std::end(kUnits) && known->factor % 1000 == 0;
  if (num_digits == 0 || num_digits > kMaxDigits || !is_decimal || word.front() == '-') {
    fail(option, word, "a whole number (25.6k is one; units: k, M, G, Ki, Mi, Gi)");
  }
  const std::string digits = (rest.substr(0, num_digits) + "000").substr(0, kMaxDigits);
  int64_t value = 0;
  const bool overflows = __builtin_mul_overflow(whole, known->factor, &value);
  const int64_t part = known->factor / 1000 * std::stoi(digits);
  if (overflows || __builtin_add_overflow(value, part, &value)) {
    fail_range(option, word, 0, std::numeric_limits<int64_t>::max());
  }
  return value;
}

int64_t parse_int(const std::string& option, const std::string& word, int64_t min, int64_t max) {
  int64_t number = 0;
  const char* end = word.data() + word.size();
  const auto [rest, error] = std::from_chars(word.data(), end, number);
  if (error == std::errc::invalid_argument) fail(option, word, "a whole number");
  if (error != std::errc()) fail_range(option, word, min, max);
  int64_t value = 0;
  if (rest != end && *rest == '.') {
    value = parse_fraction(option, word, rest, number);
  } else {
    const std::string unit(rest, end);
    const auto* known = std::ranges::find_if(kUnits, [&](const Unit& u) { return unit == u.name; });
    if (known == std::end(kUnits)) {
      fail(option, word, "a whole number (units: k, M, G, Ki, Mi, Gi)");
    }
    if (__builtin_mul_overflow(number, known->factor, &value)) fail_range(option, word, min, max);
  }
  if (value < min || value > max) fail_range(option, word, min, max);
  return value;
}

}  // namespace

void parse_value(const std::string&, const Words& words, std::string& value) {
  value = words.back();
}

void parse_value(const std::string& option, const Words& words, bool& value) {
  const std::string& word = words.back();
  if (word == "true" || word == "True" || word == "1") {
    value = true;
  } else if (word == "false" || word == "False" || word == "0") {
    value = false;
  } else {
    fail(option, word, "true or false");
  }
}

void parse_value(const std::string& option, const Words& words, int& value) {
  using Limits = std::numeric_limits<int>;
  value = static_cast<int>(parse_int(option, words.back(), Limits::min(), Limits::max()));
}

void parse_value(const std::string& option, const Words& words, int64_t& value) {
  using Limits = std::numeric_limits<int64_t>;
  value = parse_int(option, words.back(), Limits::min(), Limits::max());
}

void parse_value(const std::string& option, const Words& words, double& value) {
  const std::string& word = words.back();
  const char* end = word.data() + word.size();
  const auto [rest, error] = std::from_chars(word.data(), end, value);
  if (error != std::errc() || rest != end) fail(option, word, "a number");
}

void parse_value(const std::string&, const Words& words, std::vector<std::string>& value) {
  value = words;
}

void parse_value(const std::string& option, const Words& words, std::vector<int32_t>& value) {
  using Limits = std::numeric_limits<int32_t>;
  value.clear();
  for (const std::string& word : words) {
    for (size_t start = 0; start <= word.size();) {
      const size_t end = std::min(word.find(',', start), word.size());
      const std::string part = word.substr(start, end - start);
      value.push_back(static_cast<int32_t>(parse_int(option, part, Limits::min(), Limits::max())));
      start = end + 1;
    }
  }
}

void check_utf8(const std::string& option, std::string_view text) {
  const auto offset = find_invalid_utf8(text);
  if (!offset) return;
  throw InvalidArgument(
      option, fmt::format("The text is not valid UTF-8 from byte {} on.", *offset)
  );
}

std::string type_name(const std::string&) {
  return "TEXT";
}
std::string type_name(bool) {
  return "";
}
std::string type_name(int) {
  return "INT";
}
std::string type_name(int64_t) {
  return "INT";
}
std::string type_name(double) {
  return "NUMBER";
}
std::string type_name(const std::vector<std::string>&) {
  return "TEXT …";
}
std::string type_name(const std::vector<int32_t>&) {
  return "ID …";
}

std::string default_text(const std::string& value) {
  return value;
}
std::string default_text(bool value) {
  return value ? "on" : "off";
}
std::string default_text(int value) {
  return std::to_string(value);
}
std::string default_text(int64_t value) {
  return std::to_string(value);
}
std::string default_text(double value) {
  return fmt::format("{}", value);
}
std::string default_text(const std::vector<std::string>& value) {
  return fmt::format("{}", fmt::join(value, " "));
}
std::string default_text(const std::vector<int32_t>& value) {
  return fmt::format("{}", fmt::join(value, " "));
}

}  // namespace quire::cli
