#include "core/block_hash.h"

// The one-shot EVP interface allocates on every call; this one works in place.
#define OPENSSL_API_COMPAT 0x10101000L
#include <openssl/sha.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/request.h"

namespace quire {
namespace {

// Major types of CBOR (RFC 8949).
constexpr uint8_t kUnsigned = 0;
constexpr uint8_t kNegative = 1;
constexpr uint8_t kByteString = 2;
constexpr uint8_t kTextString = 3;
constexpr uint8_t kArray = 4;
constexpr uint8_t kNull = 0xf6;

// A type and its argument in the shortest form, which is what makes CBOR canonical.
void append_head(std::vector<uint8_t>& out, uint8_t major_type, uint64_t argument) {
  const uint8_t type = static_cast<uint8_t>(major_type << 5);
  if (argument < 24) {
    out.push_back(static_cast<uint8_t>(type | argument));
    return;
  }
  const int log2_bytes = argument > UINT32_MAX   ? 3
                         : argument > UINT16_MAX ? 2
                         : argument > UINT8_MAX  ? 1
                                                 : 0;
  out.push_back(static_cast<uint8_t>(type | (24 + log2_bytes)));
  for (int shift = 8 * (1 << log2_bytes) - 8; shift >= 0; shift -= 8) {
    out.push_back(static_cast<uint8_t>(argument >> shift));
  }
}

void append_integer(std::vector<uint8_t>& out, int64_t value) {
  if (value >= 0) {
    append_head(out, kUnsigned, static_cast<uint64_t>(value));
  } else {
    append_head(out, kNegative, static_cast<uint64_t>(-1 - value));
  }
}

void append_bytes(std::vector<uint8_t>& out, std::span<const uint8_t> bytes) {
  append_head(out, kByteString, bytes.size());
  out.insert(out.end(), bytes.begin(), bytes.end());
}

void append_text(std::vector<uint8_t>& out, std::string_view text) {
  append_head(out, kTextString, text.size());
  out.insert(out.end(), text.begin(), text.end());
}

size_t digest_size(PrefixCachingHashAlgo algo) {
  return algo == PrefixCachingHashAlgo::kXxhash ? 16 : 32;
}

BlockHash digest(PrefixCachingHashAlgo algo, std::span<const uint8_t> message) {
  BlockHash hash;
  if (algo == PrefixCachingHashAlgo::kXxhash) {
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits(message.data(), message.size()));
    std::memcpy(hash.bytes.data(), canonical.digest, sizeof(canonical.digest));
    return hash;
  }
  SHA256_CTX context;
  SHA256_Init(&context);
  SHA256_Update(&context, message.data(), message.size());
  SHA256_Final(hash.bytes.data(), &context);
  return hash;
}

}  // namespace

std::array<uint8_t, 32> none_hash_from_seed(PrefixCachingHashAlgo algo, std::string_view seed) {
  std::vector<uint8_t> message;
  append_text(message, seed);
  return digest(algo, message).bytes;
}

BlockHasher::BlockHasher(const CacheConfig& config)
    : algo_(config.prefix_caching_hash_algo),
      block_size_(config.block_size),
      none_hash_{config.none_hash} {}

BlockHash BlockHasher::hash_block(
    const BlockHash* parent,
    std::span<const int32_t> token_ids,
    std::span<const std::string_view> extra_keys
) {
  message_.clear();
  append_head(message_, kArray, 3);
  const BlockHash& root = parent ? *parent : none_hash_;
  append_bytes(message_, std::span(root.bytes).first(digest_size(algo_)));
  append_head(message_, kArray, token_ids.size());
  for (int32_t token_id : token_ids)
    append_integer(message_, token_id);
  if (extra_keys.empty()) {
    message_.push_back(kNull);
  } else {
    append_head(message_, kArray, extra_keys.size());
    for (std::string_view key : extra_keys)
      append_text(message_, key);
  }
  return digest(algo_, message_);
}

void BlockHasher::update_block_hashes(Request& request) {
  const size_t block_size = static_cast<size_t>(block_size_);
  const size_t num_full_blocks = request.token_ids.size() / block_size;
  for (size_t i = request.block_hashes.size(); i < num_full_blocks; ++i) {
    const std::string_view salt = request.cache_salt;
    const bool is_salted = i == 0 && !salt.empty();
    request.block_hashes.push_back(hash_block(
        i == 0 ? nullptr : &request.block_hashes[i - 1],
        std::span(request.token_ids).subspan(i * block_size, block_size),
        is_salted ? std::span(&salt, 1) : std::span<const std::string_view>()
    ));
  }
}

}  // namespace quire
