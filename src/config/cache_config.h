#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace quire {

enum class PrefixCachingHashAlgo : uint8_t {
  kSha256,  // vLLM's default; hashes the same bytes as kSha256Cbor, not Python's pickle
  kSha256Cbor,  // equals vLLM's sha256_cbor digests
  kXxhash,  // XXH3-128 of the same bytes: fast, but collisions can be made on purpose
};

// When the pages of the KV cache are taken from the system, which may take longer than a step.
enum class KVCachePopulation : uint8_t {
  kLazy,  // as they are used
  kBackground,  // from the start, by a thread of its own
  kEager,  // before the first step
};

// The KV cache's share of the resolved configuration.
struct CacheConfig {
  int block_size = 16;  // tokens per block; a group's own block size is a multiple of it
  bool enable_prefix_caching = true;
  PrefixCachingHashAlgo prefix_caching_hash_algo = PrefixCachingHashAlgo::kSha256;
  // Root of the chain of block hashes: none_hash_from_seed() of the user's hash seed, so that
  // processes agree, or else random bytes, so that nobody can guess a digest.
  std::array<uint8_t, 32> none_hash{};
  // Layers with and without a window keep all their tokens, in one group.
  bool disable_hybrid_kv_cache_manager = false;
  // The option that makes the cache larger, for messages.
  std::string_view size_option = "kv_cache_memory_bytes";
  KVCachePopulation population = KVCachePopulation::kLazy;
  bool keeps_all_blocks = false;  // V0's scheduler gives none back while a request runs
  bool enable_kv_cache_events = false;  // of cached and evicted blocks
  // Share of blocks whose life is measured, (0, 1]; none: of no block.
  std::optional<double> kv_cache_metrics_sample;
  bool operator==(const CacheConfig&) const = default;
};

}  // namespace quire
