#pragma once

#include <string_view>

namespace quire {

// A * at the end of `pattern` stands for any rest.
inline bool matches_pattern(std::string_view pattern, std::string_view name) {
  if (!pattern.ends_with('*')) return pattern == name;
  pattern.remove_suffix(1);
  return name.starts_with(pattern);
}

}  // namespace quire
