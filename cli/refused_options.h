#pragma once

#include <string_view>
#include <vector>

#include "quire/api.h"

namespace quire::cli {

// The sentence that says what to do instead of an option of vLLM that this version lacks; nullptr:
// not such an option. `option`: "--enable-eplb" or "-tp", with dashes; also its --no- form and the
// dotted form of an option that takes JSON (--compilation-config.mode).
QUIRE_API const char* refusal_of_option(std::string_view option);

// Where an option belongs that the command at hand does not have: the server's options, and the
// sampling parameters. nullptr: neither.
const char* place_of_option(std::string_view option);

struct RefusedOption {
  std::string_view name;  // "--enable-eplb"; a * at the end stands for any rest
  const char* instead;
};
std::vector<RefusedOption> refused_options();

}  // namespace quire::cli
