#pragma once

#include <string>
#include <string_view>

#include "server/tool_parsers/progress.h"

namespace quire::server {

enum class Dialect { kJson, kPython };

// Appends `text` as it stands inside a JSON string, without quotes.
void append_escaped(std::string& out, std::string_view text);

// Copies one value, JSON or a Python literal, as JSON in the form of Python's json.dumps with
// ensure_ascii=False: ", " and ": " between the parts, escapes only where JSON needs them. Numbers
// stay as they are written. Line breaks inside JSON strings are taken and escaped.
class ValueCopier {
 public:
  static constexpr size_t kMaxDepth = 128;

  explicit ValueCopier(Dialect dialect) : dialect_(dialect) {}

  // Makes it ready for another value.
  void restart();
  // Appends to `out`. kEnd: the first `taken` bytes complete the value.
  Progress read(std::string_view text, std::string& out);

  // The whole text as JSON; false, with `out` as it was, if it is anything but one value.
  static bool copy_all(Dialect dialect, std::string_view text, std::string& out);

 private:
  enum class State { kValue, kKey, kColon, kAfterValue, kString, kNumber, kEnd };
  enum class Number {
    kSign,
    kMinus,
    kZero,
    kInteger,
    kPoint,
    kFraction,
    kExponent,
    kSigned,
    kPower
  };

  Progress step(std::string_view text, std::string& out);
  Progress begin_value(std::string_view text, std::string& out);
  Progress begin_key(std::string_view text, std::string& out);
  Progress read_word(std::string_view text, std::string& out);
  Progress read_colon(std::string_view text);
  Progress read_after_value(std::string_view text, std::string& out);
  Progress read_string(std::string_view text, std::string& out);
  Progress read_escape(std::string_view text, std::string& out);
  Progress read_number(std::string_view text, std::string& out);
  bool take_number_byte(char c);
  Progress open(char bracket, std::string& out);
  Progress close(std::string& out);
  void end_value();
  void separate(std::string& out);

  Dialect dialect_;
  State state_ = State::kValue;
  Number number_ = Number::kSign;
  std::string brackets_;  // the open ones
  std::string_view separator_;  // stands before the next part
  bool may_close_ =
      false;  // the bracket has nothing in it yet, or the comma before may be the last
  bool is_key_ = false;  // of the string or number being read
  char quote_ = '"';
};

}  // namespace quire::server
