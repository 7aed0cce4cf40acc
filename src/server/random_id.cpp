#include "server/random_id.h"

#include <cstdint>
#include <random>

namespace quire::server {

std::string random_hex(size_t num_digits) {
  static thread_local std::mt19937_64 generator{std::random_device{}()};
  constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  uint64_t bits = 0;
  for (size_t i = 0; i < num_digits; ++i) {
    if (i % 16 == 0) bits = generator();
    hex += kDigits[bits & 15];
    bits >>= 4;
  }
  return hex;
}

std::string make_tool_call_id() {
  return "chatcmpl-tool-" + random_hex(16);
}

}  // namespace quire::server
