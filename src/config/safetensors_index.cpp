#include "config/safetensors_index.h"

#include <set>

#include <fmt/format.h>
#include <simdjson.h>

#include "base/file.h"
#include "quire/error.h"

namespace quire {
namespace {

constexpr int64_t kMaxFileBytes = int64_t{256} << 20;

// A checkpoint reads files of its own folder only.
bool is_plain_file_name(std::string_view name) {
  return !name.empty() && name != "." && name != ".." &&
         name.find_first_of(std::string_view("/\0", 2)) == std::string_view::npos;
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

std::vector<IndexEntry> read_safetensors_index(const std::filesystem::path& path) {
  return parse_safetensors_index(read_file(path, kMaxFileBytes), path.string());
}

std::vector<std::string> shard_files(const std::vector<IndexEntry>& index) {
  std::set<std::string> names;
  for (const IndexEntry& entry : index)
    names.insert(entry.file);
  return {names.begin(), names.end()};
}

}  // namespace quire
