#include "apps/text_input.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

#include <fmt/format.h>

#include "quire/error.h"

namespace quire {

std::string read_input(const std::string& name) {
  if (name == "-")
    return {std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>()};
  std::ifstream file(name, std::ios::binary);
  if (!file || std::filesystem::is_directory(name)) {
    const char* reason = errno != 0 ? std::strerror(errno) : "it is a directory";
    throw EnvironmentError(fmt::format("cannot read {}: {}", name, reason));
  }
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace quire
