#include "apps/text_input.h"

#include <iostream>
#include <iterator>

#include "base/file.h"
#include "quire/error.h"

namespace quire {

std::string read_input(const std::string& name) {
  if (name != "-") return read_file(name);
  std::string text{std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>()};
  if (std::cin.bad()) throw EnvironmentError("Cannot read standard input.");
  return text;
}

}  // namespace quire
