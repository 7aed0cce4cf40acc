#pragma once

#include <string_view>

namespace quire {

// The sentence that says what to do instead of a field that other engines or later versions have;
// nullptr: not such a field.
const char* refusal_of(std::string_view name);

bool is_known_field(std::string_view name);

// Throws InvalidArgument for a field that nobody knows, with the nearest known name.
[[noreturn]] void refuse_unknown_field(std::string_view name);

}  // namespace quire
