#include "text/model_files.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <simdjson.h>

#include "base/file.h"
#include "base/json_writer.h"
#include "quire/error.h"

namespace quire {
namespace {

namespace ondemand = simdjson::ondemand;

constexpr std::array<std::string_view, 7> kTokenNames = {
    "bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"};

// Calls visit(key, value) for each member of a JSON object. Lazy, because these files hold integers
// that fit no type (model_max_length) and that nobody asks for.
template <class Visit>
void visit_object(
    std::string_view json, std::string_view name, const char* field, const Visit& visit
) {
  try {
    const simdjson::padded_string padded(json);
    ondemand::parser parser;
    ondemand::document document = parser.iterate(padded);
    for (auto member : document.get_object()) {
      const std::string key(std::string_view(member.unescaped_key()));
      visit(key, ondemand::value(member.value()));
    }
  } catch (const simdjson::simdjson_error& error) {
    throw InvalidArgument(
        field, fmt::format("{} is not a valid JSON object: {}", name, error.what())
    );
  }
}

std::string string_of(ondemand::value value) {
  return std::string(std::string_view(value));
}

// A token is written as its text or as {"content": text, …}; null and "" mean that there is none.
std::string token_text(ondemand::value value) {
  switch (ondemand::json_type(value.type())) {
    case ondemand::json_type::string:
      return string_of(value);
    case ondemand::json_type::object:
      return string_of(value["content"]);
    default:
      return "";
  }
}

std::optional<bool> flag(ondemand::value value) {
  if (value.type() != ondemand::json_type::boolean) return std::nullopt;
  return bool(value);
}

using NamedSources = std::vector<std::pair<std::string, std::string>>;

// "source" or [{"name": …, "template": "source"}, …]
NamedSources templates_of(ondemand::value value) {
  NamedSources templates;
  if (value.type() == ondemand::json_type::string) {
    templates.emplace_back("default", string_of(value));
  } else if (value.type() == ondemand::json_type::array) {
    for (auto entry : value.get_array()) {
      std::string entry_name = string_of(entry["name"]);
      templates.emplace_back(std::move(entry_name), string_of(entry["template"]));
    }
  }
  return templates;
}

}  // namespace

std::optional<std::string> read_file_if_there(const std::filesystem::path& path) {
  if (!std::filesystem::exists(path)) return std::nullopt;
  return read_file(path);
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
  SpecialTokens tokens;
  visit_object(json, name, "tokenizer", [&](const std::string& key, ondemand::value value) {
    if (std::ranges::find(kTokenNames, key) != kTokenNames.end()) {
      std::string text = token_text(value);
      if (!text.empty()) tokens.named.emplace_back(key, std::move(text));
    } else if (key == "additional_special_tokens") {
      if (value.type() != ondemand::json_type::array) return;
      for (auto entry : value.get_array()) {
        std::string text = token_text(entry.value());
        if (!text.empty()) tokens.additional.push_back(std::move(text));
      }
    } else if (key == "add_bos_token") {
      tokens.add_bos_token = flag(value);
    } else if (key == "add_eos_token") {
      tokens.add_eos_token = flag(value);
    }
  });
  return tokens;
}

SpecialTokens read_special_tokens(const std::filesystem::path& dir) {
  SpecialTokens tokens;
  for (const char* name : {"tokenizer_config.json", "special_tokens_map.json"}) {
    const std::filesystem::path file = dir / name;
    if (const auto json = read_file_if_there(file))
      tokens.add_missing(parse_special_tokens(*json, file.string()));
  }
  return tokens;
}

NamedSources parse_chat_templates(std::string_view json, std::string_view name) {
  NamedSources templates;
  visit_object(json, name, "chat_template", [&](const std::string& key, ondemand::value value) {
    if (key == "chat_template") templates = templates_of(value);
  });
  return templates;
}

}  // namespace quire
