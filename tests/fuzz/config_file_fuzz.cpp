#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "cli/config_file.h"
#include "cli/json_option.h"
#include "quire/error.h"

// A file of options ends in entries with values or in InvalidArgument. What was an object is one
// still, unless it is nested more deeply than an option takes it.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto num_lines = std::ranges::count(text, '\n') + std::ranges::count(text, '\r') + 1;
    for (const quire::cli::ConfigEntry& entry : quire::cli::parse_config("fuzz.yaml", text)) {
      if (entry.words.empty() || entry.line < 1 || entry.line > num_lines) std::abort();
      if (entry.is_object != (entry.is_object && entry.words.front().starts_with('{')))
        std::abort();
      if (entry.is_object) (void)quire::cli::merge_json("--x", entry.words.front(), {});
    }
  } catch (const quire::InvalidArgument& error) {
    // JSON that we wrote ourselves must be readable.
    if (error.field() == "--x") std::abort();
  }
  return 0;
}
