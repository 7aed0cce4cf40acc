#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace quire::test {

std::string read_file(const std::filesystem::path& file);

// The external data folder (QUIRE_TEST_DATA) with its archives unpacked: templates/, tokenizers/,
// tokenizers-derived/, corpora/ … nullopt: there is none.
std::optional<std::filesystem::path> external_text_data();

}  // namespace quire::test
