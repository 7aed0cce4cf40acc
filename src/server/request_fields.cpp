#include "server/request_fields.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "quire/error.h"

namespace quire::server {

RequestFields::RequestFields(simdjson::dom::element value, std::string path)
    : path_(std::move(path)) {
  if (value.get(object_) == simdjson::SUCCESS) return;
  const std::string name = path_.empty() ? "body" : path_;
  throw InvalidArgument(name, fmt::format("{} must be an object", name));
}

std::string RequestFields::path_of(std::string_view name) const {
  return fmt::format("{}{}{}", path_, path_.empty() ? "" : ".", name);
}

std::string RequestFields::path_of(std::string_view name, size_t index) const {
  return fmt::format("{}[{}]", path_of(name), index);
}

void RequestFields::fail(std::string_view name, std::string_view what) const {
  const std::string path = path_of(name);
  throw InvalidArgument(path, fmt::format("{} {}", path, what));
}

std::optional<simdjson::dom::element> RequestFields::find(std::string_view name) const {
  simdjson::dom::element value;
  if (object_.at_key(name).get(value) != simdjson::SUCCESS || value.is_null()) return std::nullopt;
  return value;
}

std::optional<std::string_view> RequestFields::text(std::string_view name) const {
  const auto value = find(name);
  if (!value) return std::nullopt;
  std::string_view text;
  if (value->get(text) != simdjson::SUCCESS) fail(name, "must be a string");
  return text;
}

std::optional<bool> RequestFields::boolean(std::string_view name) const {
  const auto value = find(name);
  if (!value) return std::nullopt;
  bool flag = false;
  if (value->get(flag) != simdjson::SUCCESS) fail(name, "must be true or false");
  return flag;
}

std::optional<int64_t> RequestFields::integer(std::string_view name, int64_t min, int64_t max)
    const {
  const auto value = find(name);
  if (!value) return std::nullopt;
  int64_t number = 0;
  double real = 0;  // 5.0 is an integer too
  if (value->get(number) != simdjson::SUCCESS) {
    const bool is_whole =
        value->get(real) == simdjson::SUCCESS && real == std::floor(real) && std::abs(real) < 9e15;
    if (!is_whole) fail(name, "must be an integer");
    number = static_cast<int64_t>(real);
  }
  if (number < min || number > max) {
    fail(name, fmt::format("must be between {} and {}, got {}", min, max, number));
  }
  return number;
}

std::optional<double> RequestFields::number(std::string_view name, double min, double max) const {
  const auto value = find(name);
  if (!value) return std::nullopt;
  double number = 0;
  if (value->get(number) != simdjson::SUCCESS) fail(name, "must be a number");
  if (!(number >= min && number <= max)) {
    fail(name, fmt::format("must be between {} and {}, got {}", min, max, number));
  }
  return number;
}

std::optional<simdjson::dom::array> RequestFields::array(std::string_view name) const {
  const auto value = find(name);
  if (!value) return std::nullopt;
  simdjson::dom::array array;
  if (value->get(array) != simdjson::SUCCESS) fail(name, "must be a list");
  return array;
}

std::optional<RequestFields> RequestFields::object(std::string_view name) const {
  const auto value = find(name);
  if (!value) return std::nullopt;
  return RequestFields(*value, path_of(name));
}

std::string_view RequestFields::required_text(std::string_view name) const {
  const auto value = text(name);
  if (!value) fail(name, "is required and must be a string");
  return *value;
}

simdjson::dom::element RequestFields::required(std::string_view name) const {
  const auto value = find(name);
  if (!value) fail(name, "is required");
  return *value;
}

RequestFields parse_body(simdjson::dom::parser& parser, const std::string& body) {
  // The parser's capacity is never below its own minimum; allocating sets the depth too.
  const auto allocated = parser.allocate(std::max<size_t>(body.size(), 32), kMaxJsonDepth);
  simdjson::dom::element root;
  const auto error = allocated != simdjson::SUCCESS ? allocated : parser.parse(body).get(root);
  if (error == simdjson::SUCCESS) return RequestFields(root);
  if (error == simdjson::DEPTH_ERROR) {
    throw InvalidArgument("body", "The body is nested too deeply: 128 levels are allowed");
  }
  throw InvalidArgument(
      "body", fmt::format("The body is not valid JSON: {}", simdjson::error_message(error))
  );
}

}  // namespace quire::server
