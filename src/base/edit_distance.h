#pragma once

#include <cstddef>
#include <string_view>

namespace quire {

// Insertions, deletions, replacements and swaps of neighbouring bytes that turn `a` into `b`.
size_t edit_distance(std::string_view a, std::string_view b);

}  // namespace quire
