#include "engine/json_values.h"

#include <limits>

#include <fmt/format.h>

#include "base/utf8.h"
#include "quire/error.h"

namespace quire {
namespace {

// The value for an error message: at most 60 bytes, cut between characters.
std::string shown(simdjson::dom::element value) {
  constexpr size_t kMaxBytes = 60;
  std::string text = simdjson::minify(value);
  if (text.size() <= kMaxBytes) return text;
  text.resize(kMaxBytes);
  text.resize(find_invalid_utf8(text).value_or(kMaxBytes));
  return text + "…";
}

}  // namespace

void JsonValue::fail(std::string_view what) const {
  throw InvalidArgument(field_, fmt::format("{} must be {}, got {}.", field_, what, shown(value_)));
}

void JsonValue::read(bool& out) const {
  if (value_.get(out) != simdjson::SUCCESS) fail("true or false");
}

void JsonValue::read(int64_t& out) const {
  if (value_.get(out) == simdjson::SUCCESS) return;
  fail(value_.is_uint64() ? "a 64-bit integer" : "an integer");
}

void JsonValue::read(int32_t& out) const {
  int64_t wide = 0;
  read(wide);
  if (wide < std::numeric_limits<int32_t>::min() || wide > std::numeric_limits<int32_t>::max()) {
    fail("a 32-bit integer");
  }
  out = static_cast<int32_t>(wide);
}

void JsonValue::read(double& out) const {
  if (value_.get(out) != simdjson::SUCCESS) fail("a number");
}

void JsonValue::read(std::string& out) const {
  std::string_view text;
  if (value_.get(text) != simdjson::SUCCESS) fail("a string");
  out = text;
}

void JsonValue::read(std::vector<int32_t>& out) const {
  out.clear();
  for (const simdjson::dom::element entry : array("a list of integers")) {
    int64_t id = 0;
    if (entry.get(id) != simdjson::SUCCESS || id != static_cast<int32_t>(id)) {
      JsonValue(field_, entry).fail("a list of 32-bit integers");
    }
    out.push_back(static_cast<int32_t>(id));
  }
}

void JsonValue::read(std::vector<std::string>& out) const {
  out.clear();
  if (value_.is_string()) {
    read(out.emplace_back());
    return;
  }
  for (const simdjson::dom::element entry : array("a string or a list of strings")) {
    if (!entry.is_string()) JsonValue(field_, entry).fail("a string or a list of strings");
    JsonValue(field_, entry).read(out.emplace_back());
  }
}

simdjson::dom::array JsonValue::array(const char* what) const {
  simdjson::dom::array entries;
  if (value_.get(entries) != simdjson::SUCCESS) fail(what);
  return entries;
}

simdjson::dom::object JsonValue::object(const char* what) const {
  simdjson::dom::object fields;
  if (value_.get(fields) != simdjson::SUCCESS) fail(what);
  return fields;
}

}  // namespace quire
