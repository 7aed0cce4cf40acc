#pragma once

#include <string>

#include "bench/serve/call_plan.h"

namespace quire::bench {

struct FoundTarget {
  ServeTarget target;
  PromptSource source;
};

// Asks the server for its model, waiting for it as long as the options say, and finds the tokenizer
// that belongs to it. Throws InvalidArgument, EnvironmentError.
FoundTarget find_target(const ServeOptions& options);

}  // namespace quire::bench
