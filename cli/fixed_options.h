#pragma once

#include <span>
#include <string>
#include <string_view>

#include "quire/api.h"

namespace quire::cli {

// An option of vLLM that is taken with the values that say what quire does anyway, so that the
// command lines of deployments work; any other value is refused.
struct FixedOption {
  std::string_view name;  // with underscores
  std::string_view accepted;  // with | between; "on" or "off" alone: a switch
  const char* instead;  // of other values
  bool is_servers = false;

  bool is_switch() const { return accepted == "on" || accepted == "off"; }
};

QUIRE_API std::span<const FixedOption> fixed_options();

// Throws InvalidArgument with `where` unless `word` is accepted.
void check_fixed(const FixedOption& option, const std::string& word, const std::string& where);

}  // namespace quire::cli
