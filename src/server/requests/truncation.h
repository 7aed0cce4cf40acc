#pragma once

#include <optional>

namespace quire::server {

// How to shorten a prompt.
struct Truncation {
  std::optional<int> truncate_prompt_tokens;  // to keep; -1: as many as the model can go on from
  bool keeps_end = true;  // truncation_side left: the beginning goes
};

}  // namespace quire::server
