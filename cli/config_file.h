#pragma once

#include <string>
#include <string_view>
#include <vector>

// The file of --config: YAML, a map from option names to values.
namespace quire::cli {

struct ConfigEntry {
  std::string name;  // as written, without dashes in front: "max-model-len"
  std::vector<std::string> words;  // the value, or its elements; JSON of an object or an empty list
  bool is_list = false;
  bool is_object = false;
  int line = 0;  // from 1
};

// The entries in the order of the file; those without a value are left out. Throws InvalidArgument
// with `file` and the line for text that is no such map.
std::vector<ConfigEntry> parse_config(const std::string& file, std::string_view text);

// Throws EnvironmentError when the file cannot be read.
std::vector<ConfigEntry> read_config_file(const std::string& path);

}  // namespace quire::cli
