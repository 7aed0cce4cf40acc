#include "server/dev/query_parameters.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "quire/error.h"

namespace quire::server {

bool query_flag(const HttpRequest& request, const std::string& name, bool otherwise) {
  const auto found = request.query.find(name);
  if (found == request.query.end()) return otherwise;
  std::string word = found->second;
  std::transform(word.begin(), word.end(), word.begin(), [](unsigned char c) {
    return static_cast<char>(std::tolower(c));
  });
  for (const char* yes : {"1", "true", "yes", "on"})
    if (word == yes) return true;
  for (const char* no : {"0", "false", "no", "off"})
    if (word == no) return false;
  throw InvalidArgument(name, fmt::format("{} must be true or false, got '{}'.", name, word));
}

std::string_view query_choice(
    const HttpRequest& request,
    const std::string& name,
    std::initializer_list<std::string_view> allowed
) {
  const auto found = request.query.find(name);
  if (found == request.query.end()) return *allowed.begin();
  const auto* word = std::find(allowed.begin(), allowed.end(), found->second);
  if (word != allowed.end()) return *word;
  throw InvalidArgument(
      name,
      fmt::format("{} must be one of {}, got '{}'.", name, fmt::join(allowed, ", "), found->second)
  );
}

}  // namespace quire::server
