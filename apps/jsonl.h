#pragma once

#include <string>

#include "quire/async_engine.h"

namespace quire::cli {

struct JsonlFiles {
  std::string input;  // "-": standard input
  std::string output;  // "-": standard output
};

// One request a line in, one output a line out, in the order of the input. A line that is refused
// gets {"request_id": …, "error": {"message": …, "param": …}} and does no harm to the others.
// False: some line failed. Throws EnvironmentError for the files.
bool generate_jsonl(
    AsyncEngine& engine, const SamplingParams& defaults, const JsonlFiles& files, bool prints_stats
);

}  // namespace quire::cli
