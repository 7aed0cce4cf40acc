#include "core/block_hash.h"

#include <set>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <openssl/sha.h>

#include "core/request.h"
#include "support/json_reader.h"
#include "support/scheduler_factory.h"
#include "support/test_paths.h"

namespace quire::test {
namespace {

template <size_t N>
std::string to_hex(const std::array<uint8_t, N>& bytes, size_t num_bytes = N) {
  std::string text;
  for (size_t i = 0; i < num_bytes; ++i)
    text += fmt::format("{:02x}", bytes[i]);
  return text;
}

BlockHash from_hex(const std::string& text) {
  BlockHash hash;
  for (size_t i = 0; i < text.size() / 2; ++i) {
    hash.bytes[i] = static_cast<uint8_t>(std::stoi(text.substr(2 * i, 2), nullptr, 16));
  }
  return hash;
}

struct DigestCase {
  PrefixCachingHashAlgo algo;
  const char* name;  // in block_hashes.json
  size_t num_bytes;
};
class BlockHashDigestTest : public ::testing::TestWithParam<DigestCase> {};
INSTANTIATE_TEST_SUITE_P(
    Algorithms,
    BlockHashDigestTest,
    ::testing::Values(
        DigestCase{PrefixCachingHashAlgo::kSha256Cbor, "sha256_cbor", 32},
        DigestCase{PrefixCachingHashAlgo::kSha256, "sha256_cbor", 32},
        DigestCase{PrefixCachingHashAlgo::kXxhash, "xxhash_cbor", 16}
    )
);

TEST_P(BlockHashDigestTest, DigestsEqualTheReference) {
  const auto& [algo, name, num_bytes] = GetParam();
  const JsonFile file(test_data_dir() / "core" / "block_hashes.json");
  const simdjson::dom::element expected = file.root()[name];
  const auto root = none_hash_from_seed(algo, read_json<std::string>(expected["pythonhashseed"]));
  EXPECT_EQ(to_hex(root, num_bytes), read_json<std::string>(expected["none_hash"]));

  BlockHasher hasher({.prefix_caching_hash_algo = algo, .none_hash = root});
  int num_blocks = 0;
  for (simdjson::dom::element block : simdjson::dom::array(expected["blocks"])) {
    std::optional<BlockHash> parent;
    if (!block["parent"].is_null()) parent = from_hex(read_json<std::string>(block["parent"]));
    std::vector<int32_t> token_ids;
    for (simdjson::dom::element id : simdjson::dom::array(block["token_ids"])) {
      token_ids.push_back(read_json<int32_t>(id));
    }
    std::vector<std::string_view> extra_keys;
    if (!block["extra_keys"].is_null()) {
      for (simdjson::dom::element key : simdjson::dom::array(block["extra_keys"])) {
        extra_keys.push_back(key);
      }
    }
    const BlockHash hash = hasher.hash_block(parent ? &*parent : nullptr, token_ids, extra_keys);
    EXPECT_EQ(to_hex(hash.bytes, num_bytes), read_json<std::string>(block["hash"]));
    ++num_blocks;
  }
  EXPECT_EQ(num_blocks, 3);
}

// Canonical CBOR of a list of integers behind a parent and before null, written plainly.
std::string plain_head(int major_type, uint64_t argument) {
  const int num_bytes = argument < 24 ? 0 : argument < 256 ? 1 : argument < 65536 ? 2 : 4;
  const int info = num_bytes == 0   ? static_cast<int>(argument)
                   : num_bytes == 4 ? 26
                                    : 23 + num_bytes;
  std::string out(1, static_cast<char>(major_type * 32 + info));
  for (int i = num_bytes - 1; i >= 0; --i)
    out += static_cast<char>(argument >> (8 * i));
  return out;
}

std::string plain_message(const BlockHash& parent, const std::vector<int32_t>& token_ids) {
  std::string out = plain_head(4, 3) + plain_head(2, 32);
  for (const uint8_t byte : parent.bytes)
    out += static_cast<char>(byte);
  out += plain_head(4, token_ids.size());
  for (const int64_t id : token_ids) {
    out += id < 0 ? plain_head(1, static_cast<uint64_t>(-1 - id))
                  : plain_head(0, static_cast<uint64_t>(id));
  }
  return out + '\xf6';
}

TEST(BlockHashTest, TokensOfEverySizeAreWrittenInTheirShortestForm) {
  std::vector<int32_t> token_ids;
  for (const int32_t border : {0, 23, 24, 255, 256, 65535, 65536, 1 << 24, INT32_MAX - 1}) {
    for (int32_t id : {border, border + 1, -1 - border, -2 - border})
      token_ids.push_back(id);
  }
  BlockHasher hasher(CacheConfig{});
  BlockHash parent;
  parent.bytes[5] = 77;
  for (size_t n = 0; n <= token_ids.size(); ++n) {
    const std::vector<int32_t> ids(token_ids.begin(), token_ids.begin() + static_cast<int>(n));
    const std::string message = plain_message(parent, ids);
    BlockHash expected;
    const auto* const bytes = reinterpret_cast<const unsigned char*>(message.data());
    SHA256(bytes, message.size(), expected.bytes.data());
    EXPECT_EQ(hasher.hash_block(&parent, ids), expected) << n << " tokens";
  }
}

TEST(BlockHashTest, AnotherSeedGivesAnotherRoot) {
  const auto algo = PrefixCachingHashAlgo::kSha256;
  EXPECT_NE(none_hash_from_seed(algo, "0"), none_hash_from_seed(algo, "1"));
}

TEST(BlockHashTest, OnlyFullBlocksAreHashedAndEachOnce) {
  BlockHasher hasher({.block_size = 3});
  const auto request = create_request({.prompt = token_range(0, 8)});
  hasher.update_block_hashes(*request);
  ASSERT_EQ(request->block_hashes.size(), 2u);
  const std::vector<BlockHash> first = request->block_hashes;
  EXPECT_EQ(first[0], hasher.hash_block(nullptr, token_range(0, 3)));
  EXPECT_EQ(first[1], hasher.hash_block(&first[0], token_range(3, 3)));

  request->token_ids.push_back(8);
  hasher.update_block_hashes(*request);
  ASSERT_EQ(request->block_hashes.size(), 3u);
  EXPECT_TRUE(std::equal(first.begin(), first.end(), request->block_hashes.begin()));
}

TEST(BlockHashTest, ABlockDependsOnEverythingBeforeIt) {
  BlockHasher hasher({.block_size = 4});
  const auto request = create_request({.prompt = token_range(0, 8)});
  const auto other = create_request({.prompt = std::vector<int32_t>{9, 1, 2, 3, 4, 5, 6, 7}});
  hasher.update_block_hashes(*request);
  hasher.update_block_hashes(*other);
  EXPECT_NE(request->block_hashes[0], other->block_hashes[0]);
  EXPECT_NE(request->block_hashes[1], other->block_hashes[1]);
}

TEST(BlockHashTest, TheSaltIsAKeyOfTheFirstBlockOnly) {
  BlockHasher hasher({.block_size = 4});
  const auto request = create_request({.prompt = token_range(0, 8), .cache_salt = "salt"});
  hasher.update_block_hashes(*request);
  const std::string_view salt = "salt";
  const BlockHash first = hasher.hash_block(nullptr, token_range(0, 4), std::span(&salt, 1));
  EXPECT_EQ(request->block_hashes[0], first);
  EXPECT_EQ(request->block_hashes[1], hasher.hash_block(&first, token_range(4, 4)));
}

TEST(BlockHashTest, LongBlocksAndTextsAreHashedWhole) {
  // Lengths around the borders of CBOR's short forms.
  BlockHasher hasher(CacheConfig{});
  std::set<std::string> hashes;
  for (int size : {1, 23, 24, 255, 256, 65536}) {
    hashes.insert(to_hex(hasher.hash_block(nullptr, token_range(0, size)).bytes));
    const std::string text(static_cast<size_t>(size), 'x');
    const std::string_view key = text;
    hashes.insert(to_hex(hasher.hash_block(nullptr, {}, std::span(&key, 1)).bytes));
  }
  EXPECT_EQ(hashes.size(), 12u);
}

}  // namespace
}  // namespace quire::test
