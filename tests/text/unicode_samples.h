#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace quire::test {

// Texts that mix scripts, spaces, combining marks, control characters and special tokens; the same
// for the same seed.
std::vector<std::string> unicode_samples(int count, uint32_t seed);

// `text` cut into its lines and, again, into pieces of about `piece_size` bytes.
std::vector<std::string> cut_into_pieces(std::string_view text, size_t piece_size);

}  // namespace quire::test
