#pragma once

#include <filesystem>
#include <string>

namespace quire::bench {

// Before the work begins: throws EnvironmentError, which names the option, if `file` cannot be
// written. What the file holds stays.
void check_output_file(const std::string& option, const std::filesystem::path& file);

// Throws EnvironmentError.
void write_file(const std::filesystem::path& file, const std::string& text);

}  // namespace quire::bench
