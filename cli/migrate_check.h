#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "quire/api.h"
#include "quire/engine_config.h"

// What becomes of a command line that was written for vLLM.
namespace quire::cli {

enum class Fate : uint8_t { kWorks, kChanged, kRefused };
QUIRE_API const char* fate_name(Fate fate);  // "works", "changed", "refused"

// Whether an option, a variable or a key of this name holds what nobody should read: "--api-key".
QUIRE_API bool is_secret(std::string_view name);

// How an option works here that does not work as in vLLM; nullptr: as there. `name`: underscores.
QUIRE_API const char* change_of_option(std::string_view name);

struct Finding {
  std::string what;  // "--tensor-parallel-size 2"; secret values are "…"
  Fate fate = Fate::kWorks;
  std::string sentence;  // what the program says to it; empty where it works as it did
};

struct MigrationReport {
  std::vector<Finding> findings;
  const char* engine = "V1";  // or "V0"
};

// `words`: NAME=value of the environment, then `vllm serve MODEL …`, `quire serve …` or `python -m
// vllm.entrypoints.openai.api_server …` or `docker run … vllm/vllm-openai …`. Throws
// InvalidArgument for other commands.
QUIRE_API MigrationReport check_command(const std::vector<std::string>& words);

// A line of a shell as words: blanks separate them, except in '…' and "…" and behind a backslash.
QUIRE_API std::vector<std::string> split_line(std::string_view line);

QUIRE_API Finding check_variable(const std::string& name, const std::string& value);

// Which engine these options run on, and what it says to them together; VLLM_USE_V1 as `use_v1`.
QUIRE_API MigrationReport check_engine(EngineConfig config, const std::string& use_v1);

}  // namespace quire::cli
