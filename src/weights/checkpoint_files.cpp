#include "weights/checkpoint_files.h"

#include <fmt/format.h>

#include "quire/error.h"

namespace quire {
namespace {

bool has_pickled_weights(const std::filesystem::path& dir) {
  return std::filesystem::exists(dir / "pytorch_model.bin") ||
         std::filesystem::exists(dir / "pytorch_model.bin.index.json");
}

}  // namespace

CheckpointFiles find_safetensors(const std::filesystem::path& dir) {
  if (std::filesystem::exists(dir / kSafetensorsFile)) return {{dir / kSafetensorsFile}, {}};
  const std::filesystem::path index_path = dir / kSafetensorsIndexFile;
  if (!std::filesystem::exists(index_path)) {
    throw EnvironmentError(fmt::format(
        "{} has neither {} nor {}{}",
        dir.string(),
        kSafetensorsFile,
        kSafetensorsIndexFile,
        has_pickled_weights(dir) ? "; its pytorch_model.bin must be converted to safetensors" : ""
    ));
  }
  CheckpointFiles found{{}, read_safetensors_index(index_path)};
  for (const std::string& name : shard_files(found.index))
    found.files.push_back(dir / name);
  return found;
}

}  // namespace quire
