#pragma once

#include <string_view>

namespace quire::cli {

// The sentence that says what to do instead of an option of vLLM that this version lacks; nullptr:
// not such an option. `option`: "--tensor-parallel-size" or "-tp", with dashes; also its --no- form
// and the dotted form of an option that takes JSON (--compilation-config.mode).
const char* refusal_of_option(std::string_view option);

}  // namespace quire::cli
