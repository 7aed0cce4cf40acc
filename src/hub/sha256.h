#pragma once

#include <filesystem>
#include <string>

namespace quire {

// 64 lower-case hexadecimal digits. Throws EnvironmentError when the file cannot be read.
std::string sha256_of_file(const std::filesystem::path& path);

}  // namespace quire
