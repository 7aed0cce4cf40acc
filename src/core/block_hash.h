#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace quire {

// Content hash of a full block and of everything before it (chained through the parent).
// 32 bytes: SHA-256 fills it, xxhash fills the first 16 and leaves zeros.
struct BlockHash {
  std::array<uint8_t, 32> bytes{};
  bool operator==(const BlockHash&) const = default;
};

// For hash maps: the bytes are uniformly distributed already.
struct BlockHashHasher {
  size_t operator()(const BlockHash& hash) const {
    size_t value;
    std::memcpy(&value, hash.bytes.data(), sizeof(value));
    return value;
  }
};

}  // namespace quire
