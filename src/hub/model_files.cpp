#include "hub/model_files.h"

#include <algorithm>
#include <array>

#include "config/safetensors_index.h"

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
constexpr std::array kModelFiles = {"config.json", "generation_config.json", kSafetensorsIndexFile};

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
  if (contains(names, kSafetensorsFile)) return {kSafetensorsFile};
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

}  // namespace quire
