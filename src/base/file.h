#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>

namespace quire {

// The whole content of a file. Throws EnvironmentError with its name and the reason: there is no
// such file, it is a folder, it has more than `max_bytes`.
std::string read_file(
    const std::filesystem::path& path, int64_t max_bytes = std::numeric_limits<int64_t>::max()
);

}  // namespace quire
