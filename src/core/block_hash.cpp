#include "core/block_hash.h"

#include <algorithm>

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

// Bytes that a head may take.
constexpr size_t kMaxHeadBytes = 9;
constexpr size_t kMaxTokenBytes = 5;

// The writers below write ahead of the returned end, at most as many bytes as the largest item of
// their kind takes: the caller leaves room for that.

// A type and its argument in the shortest form, which is what makes CBOR canonical.
uint8_t* put_head(uint8_t* out, uint8_t major_type, uint64_t argument) {
  const uint8_t type = static_cast<uint8_t>(major_type << 5);
  if (argument < 24) {
    *out = static_cast<uint8_t>(type | argument);
    return out + 1;
  }
  const int log2_bytes = argument > UINT32_MAX   ? 3
                         : argument > UINT16_MAX ? 2
                         : argument > UINT8_MAX  ? 1
                                                 : 0;
  *out++ = static_cast<uint8_t>(type | (24 + log2_bytes));
  for (int shift = 8 * (1 << log2_bytes) - 8; shift >= 0; shift -= 8) {
    *out++ = static_cast<uint8_t>(argument >> shift);
  }
  return out;
}

// Without a branch, because the sizes of token ids follow no pattern: 0, 1, 2 or 4 bytes after the
// first one, big endian.
uint8_t* put_token(uint8_t* out, int32_t token_id) {
  const bool is_negative = token_id < 0;
  const auto argument = static_cast<uint32_t>(is_negative ? ~token_id : token_id);
  const unsigned size_class = (argument > 23) + (argument > UINT8_MAX) + (argument > UINT16_MAX);
  const unsigned num_bytes = size_class + (size_class == 3);
  const uint32_t head = (is_negative ? kNegative << 5 : kUnsigned << 5) |
                        (size_class > 0 ? 23 + size_class : argument);
  const uint32_t payload =
      __builtin_bswap32(static_cast<uint32_t>(uint64_t{argument} << (32 - 8 * num_bytes)));
  *out = static_cast<uint8_t>(head);
  std::memcpy(out + 1, &payload, sizeof(payload));
  return out + 1 + num_bytes;
}

uint8_t* put_string(uint8_t* out, uint8_t major_type, std::string_view bytes) {
  out = put_head(out, major_type, bytes.size());
  return std::copy(bytes.begin(), bytes.end(), out);
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
  std::vector<uint8_t> message(kMaxHeadBytes + seed.size());
  const uint8_t* end = put_string(message.data(), kTextString, seed);
  return digest(algo, {message.data(), end}).bytes;
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
  const BlockHash& root = parent ? *parent : none_hash_;
  const std::string_view root_bytes(
      reinterpret_cast<const char*>(root.bytes.data()), digest_size(algo_)
  );
  uint8_t* out = room_for(token_ids.size(), extra_keys);
  const uint8_t* const begin = out;
  out = put_head(out, kArray, 3);
  out = put_string(out, kByteString, root_bytes);
  out = put_head(out, kArray, token_ids.size());
  for (int32_t token_id : token_ids)
    out = put_token(out, token_id);
  if (extra_keys.empty()) {
    *out++ = kNull;
  } else {
    out = put_head(out, kArray, extra_keys.size());
    for (std::string_view key : extra_keys)
      out = put_string(out, kTextString, key);
  }
  return digest(algo_, {begin, out});
}

uint8_t* BlockHasher::room_for(size_t num_tokens, std::span<const std::string_view> extra_keys) {
  size_t num_bytes = 4 * kMaxHeadBytes + sizeof(BlockHash) + num_tokens * kMaxTokenBytes;
  for (std::string_view key : extra_keys)
    num_bytes += kMaxHeadBytes + key.size();
  if (message_.size() < num_bytes) message_.resize(num_bytes);
  return message_.data();
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
