#include "server/requests/request_body.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/log.h"
#include "quire/error.h"

namespace quire::server {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_in_number(char c) {
  return is_digit(c) || c == '.' || c == 'e' || c == 'E' || c == '+' || c == '-';
}

// Integers of more digits than 64 bits hold, made floating-point numbers, which the parser takes.
// Everything else stays as it is.
std::string with_big_integers_as_floats(const std::string& text) {
  constexpr size_t kMinBigDigits = 19;
  std::string out;
  bool is_in_string = false;
  for (size_t i = 0; i < text.size();) {
    if (is_in_string || !is_digit(text[i])) {
      if (text[i] == '"') is_in_string = !is_in_string;
      if (text[i] == '\\' && i + 1 < text.size()) out += text[i++];
      out += text[i++];
      continue;
    }
    const auto end = std::find_if_not(text.begin() + i, text.end(), is_in_number);
    const std::string number(text.begin() + i, end);
    out += number;
    if (number.size() >= kMinBigDigits && std::ranges::all_of(number, is_digit)) out += ".0";
    i += number.size();
  }
  return out;
}

[[noreturn]] void refuse_json(simdjson::error_code error, BodyStyle style) {
  const bool is_too_deep = error == simdjson::DEPTH_ERROR;
  const std::string allowed =
      fmt::format("nested too deeply: {} levels are allowed", kMaxJsonDepth);
  const std::string told = simdjson::error_message(error);
  if (style == BodyStyle::kPath) {
    throw InvalidArgument(
        "body", is_too_deep ? "The body is " + allowed : "The body is not valid JSON: " + told
    );
  }
  const std::string context = fmt::format("{{'error': \"{}\"}}", is_too_deep ? allowed : told);
  throw_validation_error("json_invalid", "0", "JSON decode error", "{}", context, {});
}

}  // namespace

void UnknownFields::add(std::string_view name) {
  constexpr size_t kMaxShown = 64;
  name = name.substr(0, kMaxShown);
  {
    std::lock_guard lock(mutex_);
    if (names_.size() >= kMaxNames || names_.contains(name)) return;
    names_.emplace(name);
  }
  QUIRE_LOG_WARN("Requests have the field '{}', which is unknown and ignored.", name);
}

void UnknownFields::add_members(
    const RequestValue& value, std::span<const std::string_view> known
) {
  for (const auto [name, ignored] : value.object()) {
    if (std::ranges::find(known, name) != known.end()) continue;
    add(fmt::format("{}.{}", value.name(), name));
  }
}

size_t UnknownFields::count() const {
  std::lock_guard lock(mutex_);
  return names_.size();
}

JsonBody::JsonBody(const std::string& text, BodyStyle style) : style_(style) {
  auto error = parse(text);
  if (error == simdjson::NUMBER_ERROR) error = parse(with_big_integers_as_floats(text));
  if (error != simdjson::SUCCESS) refuse_json(error, style);
  if (root_.is_object()) return;
  if (style == BodyStyle::kPath) value().fail("must be an object");
  throw_validation_error(
      "model_attributes_type",
      "0",
      "Input should be a valid dictionary or object to extract fields from",
      simdjson::minify(root_).substr(0, 40),
      "",
      {}
  );
}

simdjson::error_code JsonBody::parse(const std::string& text) {
  // The parser's capacity is never below its own minimum; allocating sets the depth too.
  if (const auto error = parser_.allocate(std::max<size_t>(text.size(), 32), kMaxJsonDepth))
    return error;
  return parser_.parse(text).get(root_);
}

}  // namespace quire::server
