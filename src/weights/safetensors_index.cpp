#include "weights/safetensors_index.h"

#include <set>

#include <fmt/format.h>
#include <simdjson.h>

#include "quire/error.h"
#include "weights/mmap_file.h"

namespace quire {
namespace {

constexpr const char* kSingleFile = "model.safetensors";
constexpr const char* kIndexFile = "model.safetensors.index.json";

// A checkpoint reads files of its own folder only.
bool is_plain_file_name(std::string_view name) {
  return !name.empty() && name != "." && name != ".." &&
         name.find_first_of(std::string_view("/\0", 2)) == std::string_view::npos;
}

bool has_pickled_weights(const std::filesystem::path& dir) {
  return std::filesystem::exists(dir / "pytorch_model.bin") ||
         std::filesystem::exists(dir / "pytorch_model.bin.index.json");
}

}  // namespace

std::vector<IndexEntry> parse_safetensors_index(std::string_view text, std::string_view file_name) {
  const auto fail = [&](const std::string& what) {
    throw InvalidArgument("model", fmt::format("{}: {}", file_name, what));
  };
  simdjson::dom::parser json;
  simdjson::dom::object map;
  const auto document = json.parse(simdjson::padded_string(text));
  if (document.error() != simdjson::SUCCESS) {
    fail(fmt::format("no valid JSON ({})", simdjson::error_message(document.error())));
  }
  if (document["weight_map"].get(map) != simdjson::SUCCESS) fail("there is no object weight_map");
  std::vector<IndexEntry> index;
  std::set<std::string_view> names;
  for (const auto [name, value] : map) {
    std::string_view file;
    if (value.get(file) != simdjson::SUCCESS || !is_plain_file_name(file)) {
      fail(fmt::format("weight_map gives tensor {} no file name of this folder", name));
    }
    if (!names.insert(name).second) fail(fmt::format("weight_map names tensor {} twice", name));
    index.push_back({std::string(name), std::string(file)});
  }
  if (index.empty()) fail("weight_map is empty");
  return index;
}

CheckpointFiles find_safetensors(const std::filesystem::path& dir) {
  if (std::filesystem::exists(dir / kSingleFile)) return {{dir / kSingleFile}, {}};
  const std::filesystem::path index_path = dir / kIndexFile;
  if (!std::filesystem::exists(index_path)) {
    throw EnvironmentError(fmt::format(
        "{} has neither {} nor {}{}",
        dir.string(),
        kSingleFile,
        kIndexFile,
        has_pickled_weights(dir) ? "; its pytorch_model.bin must be converted to safetensors" : ""
    ));
  }
  const MmapFile file(index_path);
  const std::string_view text(
      reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()
  );
  CheckpointFiles found{{}, parse_safetensors_index(text, index_path.string())};
  std::set<std::string> names;
  for (const IndexEntry& entry : found.index)
    names.insert(entry.file);
  for (const std::string& name : names)
    found.files.push_back(dir / name);
  return found;
}

}  // namespace quire
