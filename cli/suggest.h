#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace quire::cli {

// The known names that a mistyped one may have meant, nearest first, at most three.
std::vector<std::string> nearest_names(
    std::string_view name, const std::vector<std::string>& known
);

// " Did you mean --a or --b?"; empty when nothing is near.
std::string did_you_mean(std::string_view name, const std::vector<std::string>& known);

}  // namespace quire::cli
