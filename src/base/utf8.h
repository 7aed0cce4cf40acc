#pragma once

#include <optional>
#include <string_view>

namespace quire {

inline constexpr std::string_view kReplacementCharacter = "\xEF\xBF\xBD";  // U+FFFD

// Bytes of the valid character at the start of `text` (1 to 4); 0: not UTF-8, or cut off.
int utf8_sequence_length(std::string_view text);

// Offset of the first byte that is not part of valid UTF-8; nullopt: all is well.
std::optional<size_t> find_invalid_utf8(std::string_view text);

}  // namespace quire
