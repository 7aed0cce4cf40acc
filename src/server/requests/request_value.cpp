#include "server/requests/request_value.h"

#include <charconv>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "base/utf8.h"
#include "quire/error.h"
#include "server/api_error.h"

namespace quire::server {
namespace {

using simdjson::dom::element;

constexpr size_t kMaxShownBytes = 100;
constexpr double kMaxExactDouble = 9e15;  // beyond, neighbouring integers are one number
constexpr const char* kNoInteger = "must be an integer";

// Appends text in Python's quotes; quotes in it stand escaped.
void append_quoted(std::string& out, std::string_view text) {
  out += '\'';
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    c == '\n' ? out += "\\n" : out += c;
  }
  out += '\'';
}

// The value as Python shows it, as far as there is room.
void append_python(std::string& out, element value) {
  if (out.size() > kMaxShownBytes) return;
  simdjson::dom::array array;
  simdjson::dom::object object;
  std::string_view text;
  bool flag = false;
  const char* comma = "";
  if (value.get(array) == simdjson::SUCCESS) {
    out += '[';
    for (const element entry : array) {
      if (out.size() > kMaxShownBytes) break;
      out += std::exchange(comma, ", ");
      append_python(out, entry);
    }
    out += ']';
  } else if (value.get(object) == simdjson::SUCCESS) {
    out += '{';
    for (const auto [key, member] : object) {
      if (out.size() > kMaxShownBytes) break;
      out += std::exchange(comma, ", ");
      append_quoted(out, key);
      out += ": ";
      append_python(out, member);
    }
    out += '}';
  } else if (value.get(text) == simdjson::SUCCESS) {
    append_quoted(out, text.substr(0, kMaxShownBytes));
  } else if (value.get(flag) == simdjson::SUCCESS) {
    out += flag ? "True" : "False";
  } else if (value.is_null()) {
    out += "None";
  } else {
    out += simdjson::minify(value);
  }
}

std::string shown(element value) {
  std::string text;
  append_python(text, value);
  if (text.size() > kMaxShownBytes) {
    text.resize(kMaxShownBytes);
    text += "…";
  }
  // The cut may be inside a character.
  if (const auto offset = find_invalid_utf8(text)) {
    text.resize(*offset);
    text += "…";
  }
  return text;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpaces = " \t\n\r\f\v";
  text.remove_prefix(std::min(text.find_first_not_of(kSpaces), text.size()));
  return text.substr(0, text.find_last_not_of(kSpaces) + 1);
}

template <class T>
std::optional<T> parse_number(std::string_view text) {
  text = trimmed(text);
  if (text.starts_with('+')) text.remove_prefix(1);
  T number{};
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size()) return std::nullopt;
  return number;
}

// Pydantic's words for a switch.
std::optional<bool> parse_bool(std::string_view text) {
  std::string lower(text);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c += 'a' - 'A';
  for (const char* yes : {"1", "true", "t", "yes", "y", "on"})
    if (lower == yes) return true;
  for (const char* no : {"0", "false", "f", "no", "n", "off"})
    if (lower == no) return false;
  return std::nullopt;
}

}  // namespace

// What a value of another type is told, in both styles.
struct RequestValue::TypeError {
  const char* type;
  const char* message;
  const char* what;
};

void throw_validation_error(
    std::string_view type,
    std::string_view location,
    std::string_view message,
    std::string_view input,
    std::string_view context,
    const std::optional<std::string>& param
) {
  std::string text = fmt::format(
      "1 validation error:\n  {{'type': '{}', 'loc': ('body', {}), 'msg': '{}', 'input': {}",
      type,
      location,
      message,
      input
  );
  if (!context.empty()) text += fmt::format(", 'ctx': {}", context);
  throw ApiError(400, "Bad Request", text + "}", param);
}

void read_token_ids(const RequestValue& value, std::vector<int32_t>& out) {
  value.read(out);
  for (size_t i = 0; i < out.size(); ++i) {
    if (out[i] < 0) RequestValue(value.array().at(i).value(), i, value).check_at_least(out[i], 0);
  }
}

bool RequestValue::says_nothing() const {
  simdjson::dom::array array;
  simdjson::dom::object object;
  std::string_view text;
  bool flag = true;
  if (value_.get(array) == simdjson::SUCCESS) return array.begin() == array.end();
  if (value_.get(object) == simdjson::SUCCESS) return object.begin() == object.end();
  if (value_.get(text) == simdjson::SUCCESS) return text.empty();
  if (value_.get(flag) == simdjson::SUCCESS) return !flag;
  return is_null();
}

void RequestValue::read(bool& out) const {
  int64_t number = -1;
  std::string_view text;
  if (value_.get(out) == simdjson::SUCCESS) return;
  if (is_lenient() && value_.get(text) == simdjson::SUCCESS) {
    const auto flag = parse_bool(text);
    if (!flag)
      fail_as("bool_parsing", "Input should be a valid boolean, unable to interpret input");
    out = *flag;
  } else if (is_lenient() && value_.get(number) == simdjson::SUCCESS && (number == 0 || number == 1)) {
    out = number == 1;
  } else {
    fail(TypeError{"bool_type", "Input should be a valid boolean", "must be true or false"});
  }
}

void RequestValue::read(int64_t& out) const {
  double number = 0.0;
  bool flag = false;
  std::string_view text;
  if (value_.get(out) == simdjson::SUCCESS) return;
  if (is_lenient() && value_.get(flag) == simdjson::SUCCESS) {
    out = flag ? 1 : 0;
  } else if (is_lenient() && value_.get(text) == simdjson::SUCCESS) {
    const auto parsed = parse_number<int64_t>(text);
    if (!parsed) {
      fail_as(
          "int_parsing", "Input should be a valid integer, unable to parse string as an integer"
      );
    }
    out = *parsed;
  } else if (value_.get(number) == simdjson::SUCCESS) {
    out = whole_number(number);
  } else {
    fail(TypeError{"int_type", "Input should be a valid integer", kNoInteger});
  }
}

int64_t RequestValue::whole_number(double number) const {
  const bool is_exact = is_lenient() || std::abs(number) < kMaxExactDouble;
  if (number != std::floor(number) || !is_exact) {
    fail(TypeError{
        "int_from_float",
        "Input should be a valid integer, got a number with a fractional part",
        kNoInteger});
  }
  constexpr double kLimit = 9223372036854775808.0;  // 2^63, which does not fit
  if (number <= -kLimit) {
    fail_as(
        "greater_than_equal",
        "Input should be greater than or equal to -9223372036854775808",
        "{'ge': -9223372036854775808}"
    );
  }
  if (number >= kLimit) {
    fail_as(
        "less_than_equal",
        "Input should be less than or equal to 9223372036854775807",
        "{'le': 9223372036854775807}"
    );
  }
  return static_cast<int64_t>(number);
}

void RequestValue::read(int32_t& out) const {
  int64_t wide = 0;
  read(wide);
  check_at_least(wide, std::numeric_limits<int32_t>::min());
  if (wide > std::numeric_limits<int32_t>::max()) {
    fail_as(
        "less_than_equal", "Input should be less than or equal to 2147483647", "{'le': 2147483647}"
    );
  }
  out = static_cast<int32_t>(wide);
}

void RequestValue::read(double& out) const {
  bool flag = false;
  std::string_view text;
  if (value_.get(out) == simdjson::SUCCESS) return;
  if (is_lenient() && value_.get(flag) == simdjson::SUCCESS) {
    out = flag ? 1.0 : 0.0;
  } else if (is_lenient() && value_.get(text) == simdjson::SUCCESS) {
    const auto parsed = parse_number<double>(text);
    if (!parsed) {
      fail_as(
          "float_parsing", "Input should be a valid number, unable to parse string as a number"
      );
    }
    out = *parsed;
  } else {
    fail(TypeError{"float_type", "Input should be a valid number", "must be a number"});
  }
}

void RequestValue::read(std::string& out) const {
  out = text();
}

void RequestValue::read(std::vector<int32_t>& out) const {
  out.clear();
  const simdjson::dom::array entries = array();
  out.reserve(entries.size());
  size_t index = 0;
  for (const element entry : entries)
    RequestValue(entry, index++, *this).read(out.emplace_back());
}

void RequestValue::read(std::vector<std::string>& out) const {
  out.clear();
  if (value_.is_string()) {
    out.emplace_back(text());
    return;
  }
  size_t index = 0;
  for (const element entry : array())
    out.emplace_back(RequestValue(entry, index++, *this).text());
}

simdjson::dom::array RequestValue::array() const {
  simdjson::dom::array entries;
  if (value_.get(entries) != simdjson::SUCCESS)
    fail(TypeError{"list_type", "Input should be a valid list", "must be a list"});
  return entries;
}

simdjson::dom::object RequestValue::object() const {
  simdjson::dom::object members;
  if (value_.get(members) != simdjson::SUCCESS) {
    fail(TypeError{"dict_type", "Input should be a valid dictionary", "must be an object"});
  }
  return members;
}

std::string_view RequestValue::text() const {
  std::string_view text;
  if (value_.get(text) != simdjson::SUCCESS) {
    fail(TypeError{"string_type", "Input should be a valid string", "must be a string"});
  }
  return text;
}

std::optional<RequestValue> RequestValue::find(std::string_view name) const {
  element member;
  if (object().at_key(name).get(member) != simdjson::SUCCESS || member.is_null())
    return std::nullopt;
  return RequestValue(member, name, *this);
}

std::optional<std::string_view> RequestValue::text(std::string_view name) const {
  const auto member = find(name);
  if (!member) return std::nullopt;
  return member->text();
}

std::optional<bool> RequestValue::boolean(std::string_view name) const {
  const auto member = find(name);
  if (!member) return std::nullopt;
  bool flag = false;
  member->read(flag);
  return flag;
}

std::optional<int64_t> RequestValue::integer(std::string_view name, int64_t min, int64_t max)
    const {
  const auto member = find(name);
  if (!member) return std::nullopt;
  int64_t number = 0;
  member->read(number);
  if (number < min || number > max)
    member->fail(fmt::format("must be between {} and {}, got {}", min, max, number));
  return number;
}

std::optional<double> RequestValue::number(std::string_view name, double min, double max) const {
  const auto member = find(name);
  if (!member) return std::nullopt;
  double number = 0.0;
  member->read(number);
  if (!(number >= min && number <= max))
    member->fail(fmt::format("must be between {} and {}, got {}", min, max, number));
  return number;
}

std::optional<simdjson::dom::array> RequestValue::array(std::string_view name) const {
  const auto member = find(name);
  if (!member) return std::nullopt;
  return member->array();
}

std::optional<RequestValue> RequestValue::object(std::string_view name) const {
  const auto member = find(name);
  if (member) (void)member->object();
  return member;
}

RequestValue RequestValue::required(std::string_view name) const {
  element member;
  const bool is_there = object().at_key(name).get(member) == simdjson::SUCCESS;
  if (is_there && (is_lenient() || !member.is_null())) return RequestValue(member, name, *this);
  RequestValue(value_, name, *this).fail(TypeError{"missing", "Field required", "is required"});
}

std::string_view RequestValue::required_text(std::string_view name) const {
  const auto member = text(name);
  if (!member) fail(name, "is required and must be a string");
  return *member;
}

void RequestValue::check_at_least(int64_t number, int64_t min) const {
  if (number >= min) return;
  fail_as(
      "greater_than_equal",
      fmt::format("Input should be greater than or equal to {}", min),
      fmt::format("{{'ge': {}}}", min)
  );
}

void RequestValue::fail_as(
    std::string_view type, std::string_view message, std::string_view context
) const {
  throw_validation_error(
      type, location(), message, shown(value_), context, std::string(top_name())
  );
}

void RequestValue::fail(std::string_view what) const {
  const std::string place = parent_ == nullptr && name_.empty() ? "body" : path();
  throw InvalidArgument(place, fmt::format("{} {}", place, what));
}

void RequestValue::fail(std::string_view name, std::string_view what) const {
  RequestValue(value_, name, *this).fail(what);
}

void RequestValue::fail(const TypeError& error) const {
  if (style_ == BodyStyle::kPath) fail(error.what);
  fail_as(error.type, error.message);
}

std::string RequestValue::location() const {
  std::string own = name_.empty() ? "" : fmt::format("'{}'", name_);
  if (index_ != kNoIndex) own += fmt::format("{}{}", own.empty() ? "" : ", ", index_);
  const std::string before = parent_ == nullptr ? "" : parent_->location();
  return before.empty() ? own : before + ", " + own;
}

std::string RequestValue::path() const {
  std::string path = parent_ == nullptr ? "" : parent_->path();
  if (!name_.empty()) path += fmt::format("{}{}", path.empty() ? "" : ".", name_);
  if (index_ != kNoIndex) path += fmt::format("[{}]", index_);
  return path;
}

std::string_view RequestValue::top_name() const {
  if (parent_ == nullptr) return name_;
  const std::string_view top = parent_->top_name();
  return top.empty() ? name_ : top;
}

}  // namespace quire::server
