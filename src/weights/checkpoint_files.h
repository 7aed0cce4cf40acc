#pragma once

#include <filesystem>
#include <vector>

#include "config/safetensors_index.h"

namespace quire {

// The files that hold the checkpoint in `dir`: model.safetensors alone, or those of
// model.safetensors.index.json. `index` is empty for the single file. Throws EnvironmentError when
// there is neither.
struct CheckpointFiles {
  std::vector<std::filesystem::path> files;
  std::vector<IndexEntry> index;
};
CheckpointFiles find_safetensors(const std::filesystem::path& dir);

}  // namespace quire
