#include "base/file.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include <fmt/format.h>

#include "quire/error.h"

namespace quire {
namespace {

constexpr size_t kPieceBytes = size_t{64} << 10;

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

[[noreturn]] void fail(const std::filesystem::path& path, std::string_view reason) {
  throw EnvironmentError(fmt::format("Cannot read {}: {}.", path.string(), reason));
}

}  // namespace

std::string read_file(const std::filesystem::path& path, int64_t max_bytes) {
  const std::unique_ptr<std::FILE, CloseFile> file(std::fopen(path.c_str(), "rbe"));
  if (!file) fail(path, std::strerror(errno));
  std::string text;
  std::error_code no_size;  // of a pipe
  const auto num_bytes = std::filesystem::file_size(path, no_size);
  if (!no_size && num_bytes <= static_cast<uintmax_t>(max_bytes)) text.reserve(num_bytes);
  std::array<char, kPieceBytes> piece;
  while (const size_t num_read = std::fread(piece.data(), 1, piece.size(), file.get())) {
    text.append(piece.data(), num_read);
    if (std::cmp_greater(text.size(), max_bytes)) {
      fail(path, fmt::format("it has more than {} bytes", max_bytes));
    }
  }
  if (std::ferror(file.get()) != 0) fail(path, std::strerror(errno));
  return text;
}

}  // namespace quire
