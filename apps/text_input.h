#pragma once

#include <string>

namespace quire {

// The contents of a file, or of standard input for "-". Throws EnvironmentError with its name.
std::string read_input(const std::string& file);

}  // namespace quire
