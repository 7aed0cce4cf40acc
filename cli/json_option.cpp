#include "cli/json_option.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/utf8.h"
#include "quire/error.h"

namespace quire::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kMaxDepth = 64;

struct JsonOption {
  std::string_view name;
  JsonShape shape;
};
constexpr std::array kJsonOptions = {
    JsonOption{"hf_overrides", JsonShape::kObject},
    JsonOption{"override_generation_config", JsonShape::kObject},
    JsonOption{"default_chat_template_kwargs", JsonShape::kObject},
    JsonOption{"allowed_origins", JsonShape::kTextList},
    JsonOption{"allowed_methods", JsonShape::kTextList},
    JsonOption{"allowed_headers", JsonShape::kTextList},
};

// nullopt: not JSON.
std::optional<Json> parse(std::string_view text) {
  if (find_invalid_utf8(text)) return std::nullopt;
  bool is_too_deep = false;
  const auto check_depth = [&is_too_deep](int depth, Json::parse_event_t, Json&) {
    is_too_deep = is_too_deep || depth > kMaxDepth;
    return !is_too_deep;
  };
  Json value = Json::parse(text, check_depth, /*allow_exceptions=*/false);
  if (is_too_deep || value.is_discarded()) return std::nullopt;
  return value;
}

Json value_of(std::string_view text) {
  if (auto value = parse(text)) return *std::move(value);
  return Json(std::string(text));
}

Json list_of(std::string_view text) {
  Json list = Json::array();
  for (size_t start = 0; start <= text.size();) {
    const size_t end = std::min(text.find(',', start), text.size());
    list.push_back(value_of(text.substr(start, end - start)));
    start = end + 1;
  }
  return list;
}

[[noreturn]] void fail(const std::string& option, const std::string& text, const char* what) {
  throw InvalidArgument(option, fmt::format("'{}' is not {}.", text, what));
}

// The place of `path` in `object`, made where it is not there. Throws where another value is in
// the way.
Json& place_of(const std::string& option, Json& object, const std::string& path) {
  Json* place = &object;
  int depth = 0;
  for (size_t start = 0; start <= path.size(); ++depth) {
    const size_t end = std::min(path.find('.', start), path.size());
    const std::string key = path.substr(start, end - start);
    if (key.empty() || depth >= kMaxDepth || find_invalid_utf8(key)) {
      fail(option, path, "a path of keys with dots between");
    }
    if (place->is_null()) *place = Json::object();
    if (!place->is_object()) {
      throw InvalidArgument(
          option, fmt::format("'{}': there is a value that has no '{}'.", path, key)
      );
    }
    place = &(*place)[key];
    start = end + 1;
  }
  return *place;
}

void put(const std::string& option, Json& object, const JsonPart& part) {
  if (find_invalid_utf8(part.text)) fail(option, part.path, "given as valid UTF-8");
  Json& place = place_of(option, object, part.path);
  if (!part.appends) {
    place = value_of(part.text);
    return;
  }
  if (place.is_null()) place = Json::array();
  if (!place.is_array()) fail(option, part.path, "a list, to which + could append");
  for (Json& element : list_of(part.text))
    place.push_back(std::move(element));
}

}  // namespace

JsonShape json_shape(std::string_view name) {
  const auto* option = std::ranges::find(kJsonOptions, name, &JsonOption::name);
  return option != kJsonOptions.end() ? option->shape : JsonShape::kNone;
}

std::string merge_json(
    const std::string& option, const std::string& object, const std::vector<JsonPart>& parts
) {
  Json merged = Json::object();
  if (!object.empty()) {
    const auto value = parse(object);
    if (!value || !value->is_object()) fail(option, object, "a JSON object");
    merged = *value;
  }
  for (const JsonPart& part : parts)
    put(option, merged, part);
  return merged.dump();
}

std::vector<std::string> parse_text_list(const std::string& option, const std::string& json) {
  const auto list = parse(json);
  if (!list || !list->is_array()) fail(option, json, "a JSON list of texts");
  std::vector<std::string> texts;
  for (const Json& element : *list) {
    if (!element.is_string()) fail(option, json, "a JSON list of texts");
    texts.push_back(element.get<std::string>());
  }
  return texts;
}

}  // namespace quire::cli
