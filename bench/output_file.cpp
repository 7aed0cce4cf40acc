#include "bench/output_file.h"

#include <cerrno>
#include <cstring>
#include <fstream>

#include <fmt/format.h>

#include "quire/error.h"

namespace quire::bench {

namespace fs = std::filesystem;

void check_output_file(const std::string& option, const fs::path& file) {
  std::error_code ignored;
  const bool is_new = !fs::exists(file, ignored);
  if (!std::ofstream(file, std::ios::binary | std::ios::app)) {
    throw EnvironmentError(
        fmt::format("{}: cannot write {}: {}.", option, file.string(), std::strerror(errno))
    );
  }
  if (is_new) fs::remove(file, ignored);  // nothing is measured yet
}

void write_file(const fs::path& file, const std::string& text) {
  std::ofstream stream(file, std::ios::binary);
  stream << text;
  stream.close();
  if (!stream) {
    throw EnvironmentError(fmt::format("Cannot write {}: {}.", file.string(), std::strerror(errno))
    );
  }
}

}  // namespace quire::bench
