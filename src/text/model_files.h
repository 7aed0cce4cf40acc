#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// The JSON files beside a model's weights that text needs.
namespace quire {

// nullopt: there is no such file. Throws EnvironmentError like read_file.
std::optional<std::string> read_file_if_there(const std::filesystem::path& file);

// What tokenizer_config.json or special_tokens_map.json says about special tokens.
struct SpecialTokens {
  // In the order of the file: {"bos_token", "<s>"}, {"eos_token", "</s>"} …
  std::vector<std::pair<std::string, std::string>> named;
  std::vector<std::string> additional;  // additional_special_tokens
  std::optional<bool> add_bos_token;
  std::optional<bool> add_eos_token;

  const std::string* find(std::string_view name) const;  // nullptr: not named
  void add_missing(const SpecialTokens& other);
  // {"bos_token": "<s>", …}, as chat templates see them.
  std::string to_json() const;
};

// Throws InvalidArgument (field "tokenizer") with `name` if the text is not a JSON object.
SpecialTokens parse_special_tokens(std::string_view json, std::string_view name);
// Of both files, tokenizer_config.json first; nothing if there are none.
SpecialTokens read_special_tokens(const std::filesystem::path& dir);

// chat_template in tokenizer_config.json or chat_template.json: {name, source}, the name "default"
// unless the file gives several. Empty: there is none.
std::vector<std::pair<std::string, std::string>> parse_chat_templates(
    std::string_view json, std::string_view name
);

}  // namespace quire
