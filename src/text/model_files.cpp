#include "text/model_files.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>

#include <fmt/format.h>
#include <simdjson.h>

#include "base/json_writer.h"
#include "quire/error.h"

namespace quire {
namespace {

namespace dom = simdjson::dom;

constexpr std::array kTokenNames = {
    "bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"};

// The parser owns the elements.
dom::object parse_object(
    dom::parser& parser, std::string_view json, std::string_view name, const char* field
) {
  dom::object object;
  const auto error = parser.parse(json.data(), json.size()).get(object);
  if (error != simdjson::SUCCESS) {
    throw InvalidArgument(
        field, fmt::format("{} is not a JSON object: {}", name, simdjson::error_message(error))
    );
  }
  return object;
}

// A token is written as its text or as {"content": text, …}; null and "" mean that there is none.
std::optional<std::string> token_text(dom::element element) {
  std::string_view text;
  if (element.get(text) != simdjson::SUCCESS && element["content"].get(text) != simdjson::SUCCESS)
    return std::nullopt;
  if (text.empty()) return std::nullopt;
  return std::string(text);
}

std::optional<bool> flag(dom::object object, const char* key) {
  bool value = false;
  if (object[key].get(value) != simdjson::SUCCESS) return std::nullopt;
  return value;
}

}  // namespace

std::string read_text_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file || std::filesystem::is_directory(path)) {
    const char* reason = errno != 0 ? std::strerror(errno) : "not a readable file";
    throw EnvironmentError(fmt::format("cannot read {}: {}", path.string(), reason));
  }
  return text;
}

std::optional<std::string> read_text_file_if_there(const std::filesystem::path& path) {
  if (!std::filesystem::exists(path)) return std::nullopt;
  return read_text_file(path);
}

const std::string* SpecialTokens::find(std::string_view name) const {
  const auto found = std::ranges::find(named, name, [](const auto& entry) {
    return std::string_view(entry.first);
  });
  return found == named.end() ? nullptr : &found->second;
}

void SpecialTokens::add_missing(const SpecialTokens& other) {
  for (const auto& entry : other.named)
    if (find(entry.first) == nullptr) named.push_back(entry);
  if (additional.empty()) additional = other.additional;
  if (!add_bos_token) add_bos_token = other.add_bos_token;
  if (!add_eos_token) add_eos_token = other.add_eos_token;
}

std::string SpecialTokens::to_json() const {
  std::string out;
  JsonWriter json(out);
  json.begin_object();
  for (const auto& [name, text] : named)
    json.field(name, std::string_view(text));
  if (!additional.empty()) {
    json.key("additional_special_tokens").begin_array();
    for (const std::string& text : additional)
      json.value(std::string_view(text));
    json.end_array();
  }
  json.end_object();
  return out;
}

SpecialTokens parse_special_tokens(std::string_view json, std::string_view name) {
  dom::parser parser;
  const dom::object object = parse_object(parser, json, name, "tokenizer");
  SpecialTokens tokens;
  for (const char* key : kTokenNames) {
    dom::element element;
    if (object[key].get(element) != simdjson::SUCCESS) continue;
    if (auto text = token_text(element)) tokens.named.emplace_back(key, *text);
  }
  dom::array additional;
  if (object["additional_special_tokens"].get(additional) == simdjson::SUCCESS) {
    for (dom::element element : additional)
      if (auto text = token_text(element)) tokens.additional.push_back(*text);
  }
  tokens.add_bos_token = flag(object, "add_bos_token");
  tokens.add_eos_token = flag(object, "add_eos_token");
  return tokens;
}

SpecialTokens read_special_tokens(const std::filesystem::path& dir) {
  SpecialTokens tokens;
  for (const char* name : {"tokenizer_config.json", "special_tokens_map.json"}) {
    const std::filesystem::path file = dir / name;
    if (const auto json = read_text_file_if_there(file))
      tokens.add_missing(parse_special_tokens(*json, file.string()));
  }
  return tokens;
}

std::vector<std::pair<std::string, std::string>> parse_chat_templates(
    std::string_view json, std::string_view name
) {
  dom::parser parser;
  const dom::object object = parse_object(parser, json, name, "chat_template");
  std::vector<std::pair<std::string, std::string>> templates;
  dom::element value;
  if (object["chat_template"].get(value) != simdjson::SUCCESS || value.is_null()) return templates;
  std::string_view source;
  if (value.get(source) == simdjson::SUCCESS) {
    templates.emplace_back("default", source);
    return templates;
  }
  dom::array entries;
  if (value.get(entries) == simdjson::SUCCESS) {
    for (dom::element entry : entries) {
      std::string_view entry_name;
      if (entry["name"].get(entry_name) == simdjson::SUCCESS &&
          entry["template"].get(source) == simdjson::SUCCESS) {
        templates.emplace_back(entry_name, source);
      }
    }
  }
  if (templates.empty()) {
    throw InvalidArgument(
        "chat_template",
        fmt::format("{}: chat_template must be a string or a list of {{name, template}}", name)
    );
  }
  return templates;
}

}  // namespace quire
