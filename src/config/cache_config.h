#pragma once

#include <array>
#include <cstdint>

namespace quire {

enum class PrefixCachingHashAlgo : uint8_t {
  kSha256,  // vLLM's default; hashes the same bytes as kSha256Cbor, not Python's pickle
  kSha256Cbor,  // equals vLLM's sha256_cbor digests
  kXxhash,  // XXH3-128 of the same bytes: fast, but collisions can be made on purpose
};

// The KV cache's share of the resolved configuration.
struct CacheConfig {
  int block_size = 16;  // tokens per block
  bool enable_prefix_caching = true;
  PrefixCachingHashAlgo prefix_caching_hash_algo = PrefixCachingHashAlgo::kSha256;
  // Root of the chain of block hashes: none_hash_from_seed() of the user's hash seed, so that
  // processes agree, or else random bytes, so that nobody can guess a digest.
  std::array<uint8_t, 32> none_hash{};
  bool operator==(const CacheConfig&) const = default;
};

}  // namespace quire
