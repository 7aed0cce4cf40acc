#include "server/tool_parsers/tool_schemas.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include <simdjson.h>

#include "base/json_writer.h"
#include "quire/error.h"
#include "server/tool_parsers/value_copier.h"

namespace quire::server {
namespace {

using simdjson::dom::element;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  return out;
}

// Models and tools name types in many ways; these are those that vLLM knows.
ParameterType::Kind kind_of(std::string_view name) {
  const auto begins_with = [&](auto... prefix) { return (name.starts_with(prefix) || ...); };
  const auto is_one_of = [&](auto... other) { return ((name == other) || ...); };
  if (is_one_of("string", "str", "text", "varchar", "char", "enum")) return ParameterType::kString;
  if (begins_with("int", "uint", "long", "short", "unsigned")) return ParameterType::kInteger;
  if (begins_with("num", "float")) return ParameterType::kNumber;
  if (is_one_of("boolean", "bool", "binary")) return ParameterType::kBoolean;
  return ParameterType::kOther;
}

// Adds one of several types that the value may have; the first that is not null counts.
void add_type(std::string_view name, bool& has_kind, ParameterType& type) {
  const std::string known = lower(name);
  if (known == "null") {
    type.may_be_null = true;
  } else if (!has_kind) {
    type.kind = kind_of(known);
    has_kind = true;
  }
}

ParameterType read_type(element schema) {
  ParameterType type;
  bool has_kind = false;
  std::string_view name;
  simdjson::dom::array list;
  if (schema["type"].get(name) == simdjson::SUCCESS) {
    add_type(name, has_kind, type);
  } else if (schema["type"].get(list) == simdjson::SUCCESS) {
    for (const element entry : list) {
      if (entry.get(name) == simdjson::SUCCESS) add_type(name, has_kind, type);
    }
  } else if (schema["anyOf"].get(list) == simdjson::SUCCESS) {
    for (const element option : list) {
      if (option["type"].get(name) == simdjson::SUCCESS) add_type(name, has_kind, type);
    }
  }
  return type;
}

std::string_view trim(std::string_view text) {
  const size_t begin = skip_whitespace(text, 0);
  const size_t end = text.find_last_not_of(kWhitespace);
  return begin == text.size() ? std::string_view() : text.substr(begin, end + 1 - begin);
}

std::optional<std::string> convert_integer(std::string_view text) {
  std::string_view digits = text.substr(!text.empty() && (text[0] == '-' || text[0] == '+'));
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (digits.empty() || !std::ranges::all_of(digits, is_digit)) return std::nullopt;
  digits.remove_prefix(std::min(digits.find_first_not_of('0'), digits.size() - 1));
  return (text[0] == '-' && digits != "0" ? "-" : "") + std::string(digits);
}

std::optional<std::string> convert_number(std::string_view text) {
  if (const auto integer = convert_integer(text)) return integer;
  double number = 0;
  const std::string_view digits = text.substr(text.starts_with('+'));
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  constexpr double kMaxExact = 9007199254740992.0;  // 2^53
  if (error != std::errc() || end != digits.data() + digits.size() || !std::isfinite(number))
    return std::nullopt;
  std::string out;
  if (number == std::trunc(number) && std::abs(number) <= kMaxExact) {
    JsonWriter(out).value(static_cast<int64_t>(number));
  } else {
    JsonWriter(out).value(number);
  }
  return out;
}

std::optional<std::string> convert_literal(std::string_view text) {
  std::string out;
  if (ValueCopier::copy_all(Dialect::kJson, text, out)) return out;
  if (ValueCopier::copy_all(Dialect::kPython, text, out)) return out;
  return std::nullopt;
}

std::optional<std::string> convert(ParameterType::Kind kind, std::string_view text) {
  const std::string known = lower(text);
  switch (kind) {
    case ParameterType::kString:
      return std::nullopt;
    case ParameterType::kInteger:
      return convert_integer(text);
    case ParameterType::kNumber:
      return convert_number(text);
    case ParameterType::kBoolean:
      if (known == "true" || known == "false") return known;
      return std::nullopt;
    case ParameterType::kOther:
      return convert_literal(text);
  }
  return std::nullopt;
}

}  // namespace

ToolSchemas::ToolSchemas(std::string_view tools_json) {
  if (tools_json.empty()) return;
  simdjson::dom::parser parser;
  simdjson::dom::array tools;
  const simdjson::padded_string padded(tools_json);
  if (parser.parse(padded).get(tools) != simdjson::SUCCESS)
    throw InvalidArgument("tools", "`tools` must be an array of tools.");
  for (const element tool : tools) {
    element function = tool;
    if (element inner; tool["function"].get(inner) == simdjson::SUCCESS) function = inner;
    std::string_view name;
    simdjson::dom::object properties;
    if (function["name"].get(name) != simdjson::SUCCESS) continue;
    if (function["parameters"]["properties"].get(properties) != simdjson::SUCCESS) continue;
    auto& types = tools_[std::string(name)];
    for (const auto [key, schema] : properties)
      types[std::string(key)] = read_type(schema);
  }
}

ParameterType ToolSchemas::type_of(const std::string& tool, const std::string& parameter) const {
  const auto types = tools_.find(tool);
  if (types == tools_.end()) return {};
  const auto type = types->second.find(parameter);
  return type == types->second.end() ? ParameterType() : type->second;
}

std::string convert_parameter(const ParameterType& type, std::string_view text) {
  const std::string_view trimmed = trim(text);
  const bool may_be_null = type.may_be_null || type.kind != ParameterType::kString;
  if (may_be_null && (lower(trimmed) == "null" || lower(trimmed) == "none")) return "null";
  if (auto json = convert(type.kind, trimmed)) return *json;
  std::string out = "\"";
  append_escaped(out, text);
  return out + '"';
}

}  // namespace quire::server
