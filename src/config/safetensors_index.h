#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace quire {

// Where a checkpoint's weights are: in one file, or in those that an index distributes them over.
inline constexpr const char* kSafetensorsFile = "model.safetensors";
inline constexpr const char* kSafetensorsIndexFile = "model.safetensors.index.json";

// One line of model.safetensors.index.json.
struct IndexEntry {
  std::string tensor;
  std::string file;  // a plain file name beside the index
};

// Throws InvalidArgument that names `file_name` when `text` is no index: no weight_map, an empty
// one, a tensor twice, or a file that is not beside the index.
std::vector<IndexEntry> parse_safetensors_index(std::string_view text, std::string_view file_name);

// The same from a file. Throws EnvironmentError when it cannot be read.
std::vector<IndexEntry> read_safetensors_index(const std::filesystem::path& path);

// The files that an index names, each once, sorted.
std::vector<std::string> shard_files(const std::vector<IndexEntry>& index);

}  // namespace quire
