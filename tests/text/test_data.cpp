#include "text/test_data.h"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include <fmt/format.h>

#include "support/test_paths.h"

namespace quire::test {
namespace {

namespace fs = std::filesystem;

constexpr const char* kArchives[] = {"corpora", "templates", "tokenizers", "tokenizers-derived"};

// Unpacked once into the temporary folder; the name tells one data folder from another.
fs::path unpack(const fs::path& data) {
  const fs::path target =
      fs::temp_directory_path() / fmt::format("quire-test-data-{:x}", fs::hash_value(data));
  if (fs::exists(target)) return target;
  std::string scratch = target.string() + "-XXXXXX";
  if (mkdtemp(scratch.data()) == nullptr) throw std::runtime_error("mkdtemp " + scratch);
  for (const char* name : kArchives) {
    const std::string command =
        fmt::format("tar -xJf '{}/{}.tar.xz' -C '{}'", data.string(), name, scratch);
    if (std::system(command.c_str()) != 0) throw std::runtime_error("failed: " + command);
  }
  std::error_code error;  // another test program may have been faster
  fs::rename(scratch, target, error);
  if (error) fs::remove_all(scratch);
  return target;
}

}  // namespace

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path.string());
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::optional<fs::path> external_text_data() {
  static const std::optional<fs::path> folder = []() -> std::optional<fs::path> {
    const auto data = external_data_dir();
    if (!data) return std::nullopt;
    return fs::is_directory(*data / "tokenizers") ? *data : unpack(*data);
  }();
  return folder;
}

}  // namespace quire::test
