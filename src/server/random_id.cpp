#include "server/random_id.h"

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include <fmt/format.h>
#include <sys/random.h>

#include "quire/error.h"

namespace quire::server {
namespace {

// Bytes of the system's generator, which tell nothing of those that follow. Fetched in blocks.
class RandomBytes {
 public:
  uint8_t next() {
    if (num_taken_ == bytes_.size()) refill();
    return bytes_[num_taken_++];
  }

 private:
  void refill() {
    size_t num_read = 0;
    while (num_read < bytes_.size()) {
      const ssize_t result = ::getrandom(&bytes_[num_read], bytes_.size() - num_read, 0);
      if (result < 0 && errno == EINTR) continue;
      if (result < 0)
        throw EnvironmentError(fmt::format("No random numbers: {}.", std::strerror(errno)));
      num_read += static_cast<size_t>(result);
    }
    num_taken_ = 0;
  }

  std::array<uint8_t, 256> bytes_;
  size_t num_taken_ = bytes_.size();
};

}  // namespace

std::string random_hex(size_t num_digits) {
  static thread_local RandomBytes random;
  constexpr char kDigits[] = "0123456789abcdef";
  std::string hex(num_digits, '0');
  uint8_t bits = 0;
  for (size_t i = 0; i < num_digits; ++i) {
    bits = i % 2 == 0 ? random.next() : bits >> 4;
    hex[i] = kDigits[bits & 15];
  }
  return hex;
}

std::string make_tool_call_id() {
  return "chatcmpl-tool-" + random_hex(16);
}

}  // namespace quire::server
