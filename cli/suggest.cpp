#include "cli/suggest.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/edit_distance.h"

namespace quire::cli {
namespace {

constexpr size_t kMaxSuggestions = 3;

}  // namespace

std::vector<std::string> nearest_names(
    std::string_view name, const std::vector<std::string>& known
) {
  const size_t limit = std::max<size_t>(2, name.size() / 3);
  std::vector<std::pair<size_t, std::string>> near;
  for (const std::string& candidate : known) {
    const size_t distance = edit_distance(name, candidate);
    // The beginning of a name is near, too: --max-tok.
    const bool is_beginning = name.size() > 4 && candidate.compare(0, name.size(), name) == 0;
    if (distance <= limit || is_beginning)
      near.emplace_back(is_beginning ? 0 : distance, candidate);
  }
  std::stable_sort(near.begin(), near.end(), [](const auto& a, const auto& b) {
    return a.first < b.first;
  });
  std::vector<std::string> names;
  for (auto& [distance, candidate] : near) {
    if (names.size() < kMaxSuggestions) names.push_back(std::move(candidate));
  }
  return names;
}

std::string did_you_mean(std::string_view name, const std::vector<std::string>& known) {
  const std::vector<std::string> names = nearest_names(name, known);
  if (names.empty()) return "";
  return fmt::format(" Did you mean {}?", fmt::join(names, " or "));
}

}  // namespace quire::cli
