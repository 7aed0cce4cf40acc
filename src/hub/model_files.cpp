#include "hub/model_files.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <set>
#include <sstream>

#include <fmt/format.h>
#include <simdjson.h>

#include "quire/error.h"

namespace quire {
namespace {

constexpr std::array kTokenizerFiles = {
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template.jinja",
    "chat_template.json",
};
constexpr std::array kModelFiles = {"config.json", "generation_config.json", kWeightIndexFile};

template <class List>
bool contains(const List& list, const std::string& name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

}  // namespace

bool is_safe_file_name(const std::string& name) {
  const bool has_bad_character =
      std::any_of(name.begin(), name.end(), [](unsigned char c) { return c < 0x20 || c == '\\'; });
  if (name.empty() || name.front() == '/' || name.back() == '/' || has_bad_character) return false;
  const std::filesystem::path path(name);
  return std::none_of(path.begin(), path.end(), [](const auto& part) {
    return part == ".." || part == "." || part.empty();
  });
}

std::vector<std::string> text_files(const std::vector<std::string>& names, bool tokenizer_only) {
  std::vector<std::string> files;
  for (const std::string& name : names) {
    if (contains(kTokenizerFiles, name) || (!tokenizer_only && contains(kModelFiles, name))) {
      files.push_back(name);
    }
  }
  // A tokenizer's repository states its model type in config.json too.
  if (tokenizer_only && contains(names, "config.json")) files.emplace_back("config.json");
  return files;
}

std::vector<std::string> weight_files(
    const std::vector<std::string>& names, const std::vector<std::string>& shards
) {
  if (contains(names, "model.safetensors")) return {"model.safetensors"};
  if (!shards.empty()) return shards;
  std::vector<std::string> files;
  for (const std::string& name : names) {
    if (name.ends_with(".safetensors") && name.find('/') == std::string::npos) {
      files.push_back(name);
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<std::string> parse_index(std::string_view json, const std::string& path_for_errors) {
  std::set<std::string> shards;
  try {
    simdjson::dom::parser parser;
    const simdjson::padded_string padded(json);
    const simdjson::dom::object weight_map = parser.parse(padded)["weight_map"];
    for (const auto [tensor, file] : weight_map) {
      shards.insert(std::string(std::string_view(file)));
    }
  } catch (const simdjson::simdjson_error& error) {
    throw InvalidArgument(
        "model",
        fmt::format("{} is not an index of safetensors files: {}.", path_for_errors, error.what())
    );
  }
  for (const std::string& shard : shards) {
    if (!is_safe_file_name(shard)) {
      throw InvalidArgument(
          "model", fmt::format("{} names a file outside its folder: '{}'.", path_for_errors, shard)
      );
    }
  }
  return {shards.begin(), shards.end()};
}

std::vector<std::string> shards_of_index(const std::filesystem::path& index) {
  std::ifstream file(index, std::ios::binary);
  std::ostringstream json;
  json << file.rdbuf();
  return parse_index(json.view(), index.string());
}

}  // namespace quire
