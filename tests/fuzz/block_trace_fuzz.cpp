#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "bench/block_trace.h"
#include "quire/error.h"

// A trace ends in requests whose blocks fit their lengths, or in InvalidArgument.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace quire::bench;
  try {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    std::vector<int32_t> prompt;
    for (const BlockTraceRequest& request : parse_block_trace(text)) {
      const size_t num_tokens = static_cast<size_t>(request.num_input_tokens);
      make_prompt(request, prompt);
      if (prompt.size() != num_tokens) std::abort();
    }
  } catch (const quire::InvalidArgument&) {
  }
  return 0;
}
