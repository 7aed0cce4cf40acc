#include "server/tool_parsers/value_copier.h"

#include <cstdint>
#include <optional>

#include <fmt/format.h>

namespace quire::server {
namespace {

struct Word {
  std::string_view text;
  std::string_view json;
};
constexpr Word kJsonWords[] = {{"true", "true"}, {"false", "false"}, {"null", "null"}};
constexpr Word kPythonWords[] = {{"True", "true"}, {"False", "false"}, {"None", "null"}};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_octal(char c) {
  return c >= '0' && c <= '7';
}

// What one escape sequence stands for.
struct Escape {
  Match match = Match::kNo;
  size_t size = 0;  // bytes of the sequence, from the backslash
  uint32_t code_point = 0;
};

std::optional<uint32_t> read_digits(std::string_view digits, unsigned base) {
  uint32_t value = 0;
  for (const char c : digits) {
    const char lower = static_cast<char>(c | 0x20);
    unsigned digit = 99;
    if (is_digit(c)) digit = static_cast<unsigned>(c - '0');
    if (lower >= 'a' && lower <= 'f') digit = static_cast<unsigned>(lower - 'a') + 10;
    if (digit >= base) return std::nullopt;
    value = value * base + digit;
  }
  return value;
}

// \uXXXX, \xXX or \UXXXXXXXX: `count` hexadecimal digits behind the letter.
Escape read_hex_escape(std::string_view text, size_t count) {
  const std::string_view digits = text.substr(2, count);
  const auto value = read_digits(digits, 16);
  if (!value) return {};
  if (digits.size() < count) return {.match = Match::kPartial};
  return {Match::kYes, 2 + count, *value};
}

// A pair of UTF-16 surrogates counts as one sequence.
Escape read_unicode_escape(std::string_view text) {
  const Escape first = read_hex_escape(text, 4);
  if (first.match != Match::kYes || (first.code_point & 0xfc00) != 0xd800) return first;
  const std::string_view rest = text.substr(first.size);
  const Match begins = match_prefix(rest, "\\u");
  if (begins == Match::kPartial) return {.match = Match::kPartial};
  if (begins == Match::kNo) return first;
  const Escape second = read_hex_escape(rest, 4);
  if (second.match == Match::kPartial) return {.match = Match::kPartial};
  if (second.match == Match::kNo || (second.code_point & 0xfc00) != 0xdc00) return first;
  const uint32_t code_point =
      0x10000 + ((first.code_point & 0x3ff) << 10) + (second.code_point & 0x3ff);
  return {Match::kYes, first.size + second.size, code_point};
}

Escape read_octal_escape(std::string_view text) {
  size_t count = 1;
  while (count < 3 && 1 + count < text.size() && is_octal(text[1 + count]))
    count++;
  if (count < 3 && 1 + count == text.size()) return {.match = Match::kPartial};
  return {Match::kYes, 1 + count, *read_digits(text.substr(1, count), 8)};
}

std::optional<uint32_t> simple_escape(Dialect dialect, char letter) {
  constexpr std::string_view kLetters = "\"\\bfnrt/'av";
  constexpr std::string_view kMeanings = "\"\\\b\f\n\r\t/'\a\v";
  constexpr size_t kNumShared = 7;
  const size_t at = kLetters.find(letter);
  if (at == kLetters.npos) return std::nullopt;
  if (at >= kNumShared && (letter == '/') != (dialect == Dialect::kJson)) return std::nullopt;
  return static_cast<unsigned char>(kMeanings[at]);
}

Escape read_escape_sequence(Dialect dialect, std::string_view text) {
  if (text.size() < 2) return {.match = Match::kPartial};
  const char letter = text[1];
  if (const auto meaning = simple_escape(dialect, letter)) return {Match::kYes, 2, *meaning};
  if (letter == 'u') return read_unicode_escape(text);
  if (dialect == Dialect::kJson) return {};
  if (letter == 'x') return read_hex_escape(text, 2);
  if (letter == 'U') return read_hex_escape(text, 8);
  if (is_octal(letter)) return read_octal_escape(text);
  return {Match::kYes, 1, '\\'};  // Python leaves the backslash where it knows no escape
}

void append_code_point(std::string& out, uint32_t code_point) {
  if (code_point < 0x80) {
    const char c = static_cast<char>(code_point);
    append_escaped(out, {&c, 1});
  } else if ((code_point & 0xfffff800) == 0xd800) {  // half a pair cannot be written as UTF-8
    out += fmt::format("\\u{:04x}", code_point);
  } else {
    const int num_rest = code_point < 0x800 ? 1 : code_point < 0x10000 ? 2 : 3;
    constexpr unsigned kFirstByte[] = {0, 0xc0, 0xe0, 0xf0};
    out += static_cast<char>(kFirstByte[num_rest] | (code_point >> (6 * num_rest)));
    for (int i = num_rest - 1; i >= 0; i--)
      out += static_cast<char>(0x80 | ((code_point >> (6 * i)) & 0x3f));
  }
}

}  // namespace

void append_escaped(std::string& out, std::string_view text) {
  constexpr std::string_view kNamed = "\"\\\b\f\n\r\t";
  constexpr std::string_view kLetters = "\"\\bfnrt";
  size_t plain = 0;  // text before it has been appended
  for (size_t i = 0; i < text.size(); i++) {
    const char c = text[i];
    if (static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\') continue;
    out += text.substr(plain, i - plain);
    plain = i + 1;
    if (const size_t at = kNamed.find(c); at != kNamed.npos) {
      out += '\\';
      out += kLetters[at];
    } else {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    }
  }
  out += text.substr(plain);
}

void ValueCopier::restart() {
  state_ = State::kValue;
  brackets_.clear();
  separator_ = {};
  may_close_ = false;
  is_key_ = false;
}

Progress ValueCopier::read(std::string_view text, std::string& out) {
  return run_steps(text, state_, [&](std::string_view rest) {
    Progress progress = step(rest, out);
    if (state_ == State::kEnd) progress.verdict = Verdict::kEnd;
    return progress;
  });
}

bool ValueCopier::copy_all(Dialect dialect, std::string_view text, std::string& out) {
  const size_t size = out.size();
  const std::string terminated = std::string(text) + '\n';  // ends a number
  ValueCopier copier(dialect);
  const Progress progress = copier.read(terminated, out);
  if (progress.verdict == Verdict::kEnd &&
      skip_whitespace(terminated, progress.taken) == terminated.size()) {
    return true;
  }
  out.resize(size);
  return false;
}

Progress ValueCopier::step(std::string_view text, std::string& out) {
  if (state_ == State::kString) return read_string(text, out);
  if (state_ == State::kNumber) return read_number(text, out);
  const size_t spaces = skip_whitespace(text, 0);
  if (spaces > 0) return {spaces};
  switch (state_) {
    case State::kValue:
      return begin_value(text, out);
    case State::kKey:
      return begin_key(text, out);
    case State::kColon:
      return read_colon(text);
    default:
      return read_after_value(text, out);
  }
}

void ValueCopier::separate(std::string& out) {
  out += separator_;
  separator_ = {};
}

Progress ValueCopier::begin_value(std::string_view text, std::string& out) {
  const char c = text[0];
  if (may_close_ && c == ']') return close(out);
  is_key_ = false;
  if (c == '{' || c == '[') return open(c, out);
  if (c == '"' || (c == '\'' && dialect_ == Dialect::kPython)) {
    separate(out);
    out += '"';
    quote_ = c;
    state_ = State::kString;
    return {1};
  }
  if (c == '-' || is_digit(c)) {
    separate(out);
    number_ = Number::kSign;
    state_ = State::kNumber;
    return {};
  }
  return read_word(text, out);
}

Progress ValueCopier::begin_key(std::string_view text, std::string& out) {
  const char c = text[0];
  if (may_close_ && c == '}') return close(out);
  const bool is_python = dialect_ == Dialect::kPython;
  const bool is_number = is_python && (c == '-' || is_digit(c));
  if (c != '"' && !(is_python && c == '\'') && !is_number) return {0, Verdict::kReject};
  separate(out);
  out += '"';  // a number as key becomes a string
  is_key_ = true;
  quote_ = c;
  number_ = Number::kSign;
  state_ = is_number ? State::kNumber : State::kString;
  return {is_number ? 0u : 1u};
}

Progress ValueCopier::read_word(std::string_view text, std::string& out) {
  const auto read = [&](const Word& word) -> std::optional<Progress> {
    const Match match = match_prefix(text, word.text);
    if (match == Match::kNo) return std::nullopt;
    if (match == Match::kPartial) return Progress{};
    separate(out);
    out += word.json;
    end_value();
    return Progress{word.text.size()};
  };
  for (const Word& word : kJsonWords) {
    if (const auto progress = read(word)) return *progress;
  }
  if (dialect_ == Dialect::kJson) return {0, Verdict::kReject};
  for (const Word& word : kPythonWords) {
    if (const auto progress = read(word)) return *progress;
  }
  return {0, Verdict::kReject};
}

Progress ValueCopier::read_colon(std::string_view text) {
  if (text[0] != ':') return {0, Verdict::kReject};
  separator_ = ": ";
  may_close_ = false;
  state_ = State::kValue;
  return {1};
}

Progress ValueCopier::read_after_value(std::string_view text, std::string& out) {
  const char bracket = brackets_.back();
  if (text[0] == (bracket == '{' ? '}' : ']')) return close(out);
  if (text[0] != ',') return {0, Verdict::kReject};
  separator_ = ", ";
  may_close_ = dialect_ == Dialect::kPython;
  state_ = bracket == '{' ? State::kKey : State::kValue;
  return {1};
}

Progress ValueCopier::read_string(std::string_view text, std::string& out) {
  size_t end = 0;
  while (end < text.size() && text[end] != quote_ && text[end] != '\\')
    end++;
  append_escaped(out, text.substr(0, end));
  if (end == text.size()) return {end};
  if (text[end] == '\\') {
    if (end > 0) return {end};
    return read_escape(text, out);
  }
  out += '"';
  if (is_key_) {
    state_ = State::kColon;
  } else {
    end_value();
  }
  return {end + 1};
}

Progress ValueCopier::read_escape(std::string_view text, std::string& out) {
  const Escape escape = read_escape_sequence(dialect_, text);
  if (escape.match == Match::kPartial) return {};
  if (escape.match == Match::kNo || escape.code_point > 0x10ffff) return {0, Verdict::kReject};
  append_code_point(out, escape.code_point);
  return {escape.size};
}

Progress ValueCopier::read_number(std::string_view text, std::string& out) {
  size_t end = 0;
  while (end < text.size() && take_number_byte(text[end]))
    end++;
  out += text.substr(0, end);
  if (end == text.size()) return {end};
  if (dialect_ == Dialect::kPython && number_ == Number::kPoint) {
    out += '0';
    number_ = Number::kFraction;
  }
  const bool is_complete = number_ == Number::kZero || number_ == Number::kInteger ||
                           number_ == Number::kFraction || number_ == Number::kPower;
  if (!is_complete) return {end, Verdict::kReject};
  if (is_key_) {
    out += '"';
    state_ = State::kColon;
  } else {
    end_value();
  }
  return {end};
}

bool ValueCopier::take_number_byte(char c) {
  const bool digit = is_digit(c);
  switch (number_) {
    case Number::kSign:
      if (c == '-') {
        number_ = Number::kMinus;
        return true;
      }
      [[fallthrough]];
    case Number::kMinus:
      if (digit) number_ = c == '0' ? Number::kZero : Number::kInteger;
      return digit;
    case Number::kZero:
    case Number::kInteger:
      if (digit) return number_ == Number::kInteger;
      [[fallthrough]];
    case Number::kFraction:
      if (digit) return true;
      if (c == '.' && number_ != Number::kFraction) {
        number_ = Number::kPoint;
        return true;
      }
      if (c == 'e' || c == 'E') number_ = Number::kExponent;
      return c == 'e' || c == 'E';
    case Number::kPoint:
      if (digit) number_ = Number::kFraction;
      return digit;
    case Number::kExponent:
      if (c == '+' || c == '-') {
        number_ = Number::kSigned;
        return true;
      }
      [[fallthrough]];
    case Number::kSigned:
    case Number::kPower:
      if (digit) number_ = Number::kPower;
      return digit;
  }
  return false;
}

Progress ValueCopier::open(char bracket, std::string& out) {
  if (brackets_.size() == kMaxDepth) return {0, Verdict::kReject};
  separate(out);
  out += bracket;
  brackets_ += bracket;
  may_close_ = true;
  state_ = bracket == '{' ? State::kKey : State::kValue;
  return {1};
}

Progress ValueCopier::close(std::string& out) {
  separator_ = {};
  out += brackets_.back() == '{' ? '}' : ']';
  brackets_.pop_back();
  end_value();
  return {1};
}

void ValueCopier::end_value() {
  state_ = brackets_.empty() ? State::kEnd : State::kAfterValue;
}

}  // namespace quire::server
