#include "server/api_keys.h"

#include <algorithm>
#include <array>

#include "server/header_text.h"

namespace quire::server {
namespace {

// The time it takes tells nothing of where the texts differ.
bool is_same_secret(std::string_view left, std::string_view right) {
  if (left.size() != right.size()) return false;
  unsigned char difference = 0;
  for (size_t i = 0; i < left.size(); ++i)
    difference |= static_cast<unsigned char>(left[i] ^ right[i]);
  return difference == 0;
}

}  // namespace

bool ApiKeys::is_key(std::string_view key) const {
  bool found = false;
  for (const std::string& known : keys_)
    found |= is_same_secret(known, key);
  return found;
}

bool ApiKeys::allow(const HttpRequest& request) const {
  if (keys_.empty() || request.method == "OPTIONS") return true;
  constexpr std::array<std::string_view, 3> kGuarded = {"/v1", "/v2", "/inference"};
  const auto begins = [&](std::string_view prefix) { return request.path.starts_with(prefix); };
  if (std::none_of(kGuarded.begin(), kGuarded.end(), begins)) return true;
  if (const std::string* header = request.find_header("authorization")) {
    const std::string_view text = *header;
    const size_t space = text.find(' ');
    if (space != std::string_view::npos && equals_ignoring_case(text.substr(0, space), "bearer") &&
        is_key(trim(text.substr(space)))) {
      return true;
    }
  }
  const std::string* header = request.find_header("x-api-key");
  return header != nullptr && is_key(*header);
}

}  // namespace quire::server
