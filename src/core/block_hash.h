#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "config/cache_config.h"

namespace quire {

struct Request;

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

// The root that a hash seed stands for, for CacheConfig::none_hash: the hash of the seed's text.
std::array<uint8_t, 32> none_hash_from_seed(PrefixCachingHashAlgo algo, std::string_view seed);

// Hashes blocks as vLLM does: H(parent, token ids, extra keys), over canonical CBOR (byte string,
// array, array or null). Reuses its buffer; one per thread.
class BlockHasher {
 public:
  explicit BlockHasher(const CacheConfig& config);

  int block_size() const { return block_size_; }

  // `parent`: hash of the block before, nullptr for the first. `extra_keys`: whatever else must
  // agree before the block may be shared.
  BlockHash hash_block(
      const BlockHash* parent,
      std::span<const int32_t> token_ids,
      std::span<const std::string_view> extra_keys = {}
  );

  // Brings request.block_hashes up to its full blocks. The cache salt is an extra key of the first
  // block; the chain carries it on.
  void update_block_hashes(Request& request);

 private:
  // The buffer, large enough for a block's message.
  uint8_t* room_for(size_t num_tokens, std::span<const std::string_view> extra_keys);

  PrefixCachingHashAlgo algo_;
  int block_size_;
  BlockHash none_hash_;
  std::vector<uint8_t> message_;
};

}  // namespace quire
