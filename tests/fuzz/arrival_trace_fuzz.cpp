// The reader of arrival traces: whatever the bytes, it gives requests in order or InvalidArgument.
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "bench/arrival_trace.h"
#include "quire/error.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    double last = 0.0;
    for (const auto& request : quire::bench::parse_arrival_trace(
             std::string_view(reinterpret_cast<const char*>(data), size)
         )) {
      QUIRE_CHECK(request.arrival >= last && request.num_context_tokens >= 1);
      last = request.arrival;
    }
  } catch (const quire::InvalidArgument&) {
  }
  return 0;
}
