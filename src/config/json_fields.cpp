#include "config/json_fields.h"

#include <cmath>

#include <fmt/format.h>

#include "base/json_writer.h"
#include "quire/error.h"

namespace quire {

std::string JsonFields::full_name(std::string_view name) const {
  return fmt::format("{}: {}{}{}", file_, path_, path_.empty() ? "" : ".", name);
}

void JsonFields::fail(std::string_view name, std::string_view what) const {
  throw InvalidArgument(std::string(name), fmt::format("{} {}", full_name(name), what));
}

std::optional<simdjson::dom::element> JsonFields::find(std::string_view name) const {
  simdjson::dom::element value;
  if (object_.at_key(name).get(value) != simdjson::SUCCESS || value.is_null()) return std::nullopt;
  return value;
}

bool JsonFields::has(std::string_view name) const {
  return object_.at_key(name).error() == simdjson::SUCCESS;
}

std::optional<double> JsonFields::number(std::string_view name, double min, double max) const {
  const auto value = find(name);
  if (!value) return std::nullopt;
  double number = 0;
  if (value->get(number) != simdjson::SUCCESS) fail(name, "must be a number");
  if (!(number >= min && number <= max)) {
    fail(name, fmt::format("is {}, must be between {} and {}", number, min, max));
  }
  return number;
}

std::optional<int> JsonFields::integer(std::string_view name, int min, int max) const {
  const auto value = number(name, min, max);
  if (!value) return std::nullopt;
  if (*value != std::floor(*value)) fail(name, fmt::format("is {}, must be whole", *value));
  return static_cast<int>(*value);
}

std::optional<bool> JsonFields::boolean(std::string_view name) const {
  const auto value = find(name);
  if (!value) return std::nullopt;
  bool flag = false;
  if (value->get(flag) != simdjson::SUCCESS) fail(name, "must be true or false");
  return flag;
}

std::optional<std::string> JsonFields::text(std::string_view name) const {
  const auto value = find(name);
  if (!value) return std::nullopt;
  std::string_view text;
  if (value->get(text) != simdjson::SUCCESS) fail(name, "must be a string");
  return std::string(text);
}

std::optional<JsonFields> JsonFields::object(std::string_view name) const {
  const auto value = find(name);
  if (!value) return std::nullopt;
  simdjson::dom::object object;
  if (value->get(object) != simdjson::SUCCESS) fail(name, "must be an object");
  return JsonFields(object, file_, fmt::format("{}{}{}", path_, path_.empty() ? "" : ".", name));
}

std::optional<simdjson::dom::array> JsonFields::array(std::string_view name) const {
  const auto value = find(name);
  if (!value) return std::nullopt;
  simdjson::dom::array array;
  if (value->get(array) != simdjson::SUCCESS) fail(name, "must be a list");
  return array;
}

int JsonFields::required_integer(std::string_view name, int min, int max) const {
  const auto value = integer(name, min, max);
  if (!value) fail(name, "is missing");
  return *value;
}

double JsonFields::required_number(std::string_view name, double min, double max) const {
  const auto value = number(name, min, max);
  if (!value) fail(name, "is missing");
  return *value;
}

namespace {

simdjson::dom::object parse_object(
    simdjson::dom::parser& parser, std::string_view text, const char* field, std::string_view what
) {
  simdjson::dom::object object;
  const auto error = parser.parse(simdjson::padded_string(text)).get(object);
  if (error == simdjson::SUCCESS) return object;
  throw InvalidArgument(
      field, fmt::format("{}: no JSON object ({})", what, simdjson::error_message(error))
  );
}

}  // namespace

std::string override_json_fields(
    std::string_view file, std::string_view object, const char* option, std::string_view overrides
) {
  simdjson::dom::parser own_parser;
  simdjson::dom::parser other_parser;
  const auto own = parse_object(own_parser, object, "model", file);
  const auto others = parse_object(other_parser, overrides, option, option);
  std::string text;
  JsonWriter json(text);
  json.begin_object();
  for (const auto& [key, value] : own) {
    if (others.at_key(key).error() == simdjson::SUCCESS) continue;
    json.key(key).raw(simdjson::minify(value));
  }
  for (const auto& [key, value] : others)
    json.key(key).raw(simdjson::minify(value));
  json.end_object();
  return text;
}

}  // namespace quire
