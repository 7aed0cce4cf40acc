#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>

#include "config/safetensors_index.h"
#include "quire/error.h"
#include "weights/safetensors.h"

// Any bytes are a correct file or an InvalidArgument, and what a correct file describes lies in it.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span bytes(reinterpret_cast<const std::byte*>(data), size);
  try {
    for (const quire::SafetensorsEntry& entry : quire::parse_safetensors(bytes, "fuzz")) {
      size_t num_bytes = quire::dtype_size(entry.dtype);
      for (const int64_t dim : entry.shape)
        num_bytes *= static_cast<size_t>(dim);
      if (entry.begin > entry.end || entry.end > size || num_bytes != entry.end - entry.begin) {
        std::abort();
      }
    }
  } catch (const quire::InvalidArgument&) {
  }
  try {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    for (const quire::IndexEntry& entry : quire::parse_safetensors_index(text, "fuzz")) {
      if (entry.file.empty() || entry.file.find('/') != std::string::npos) std::abort();
    }
  } catch (const quire::InvalidArgument&) {
  }
  return 0;
}
