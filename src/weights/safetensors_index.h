#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace quire {

// One line of model.safetensors.index.json.
struct IndexEntry {
  std::string tensor;
  std::string file;  // a plain file name beside the index
};

// Throws InvalidArgument that names `file_name` when `text` is no index: no weight_map, an empty
// one, a tensor twice, or a file outside the folder.
std::vector<IndexEntry> parse_safetensors_index(std::string_view text, std::string_view file_name);

// The files that hold the checkpoint in `dir`: model.safetensors alone, or those of
// model.safetensors.index.json. `index` is empty for the single file. Throws EnvironmentError when
// there is neither.
struct CheckpointFiles {
  std::vector<std::filesystem::path> files;
  std::vector<IndexEntry> index;
};
CheckpointFiles find_safetensors(const std::filesystem::path& dir);

}  // namespace quire
