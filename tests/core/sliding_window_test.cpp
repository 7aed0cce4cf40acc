// One KV cache group under a sliding window: hits, recycling, counting.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/kv_cache_group_manager.h"
#include "support/cache.h"

namespace quire::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int kBlockSize = 2;

std::vector<BlockHash> make_hashes(size_t n) {
  std::vector<BlockHash> hashes(n);
  for (size_t i = 0; i < n; ++i)
    hashes[i].bytes[0] = static_cast<uint8_t>(i + 1);
  return hashes;
}

// Windows of 4 tokens: a hit needs two blocks of 2.
struct Group {
  BlockPool pool{200, /*enable_caching=*/true};
  KVCacheGroupManager manager;

  explicit Group(std::optional<int> window = 4, bool drops_last_hit_block = false)
      : manager(
            pool,
            /*group=*/0,
            {.layer_indices = {0},
             .spec = {.block_size = kBlockSize, .sliding_window = window},
             .drops_last_hit_block = drops_last_hit_block},
            {.hash_block_size = kBlockSize,
             .hit_alignment = kBlockSize,
             .max_model_len = 400,
             .max_num_batched_tokens = 400}
        ) {}

  // Caches block i of a prompt where `cached` says T, and gives the hit.
  std::vector<int> hit(const std::string& cached) {
    const std::vector<BlockHash> hashes = make_hashes(cached.size());
    for (size_t i = 0; i < cached.size(); ++i) {
      std::vector<int> ids;
      pool.get_new_blocks(1, ids);
      pool.free_blocks(ids);
      if (cached[i] == 'T') pool.cache_full_blocks(ids, {std::span(hashes).subspan(i)}, 0, 1, 0);
    }
    const int num_tokens = static_cast<int>(cached.size()) * kBlockSize;
    std::vector<int> ids;
    const int num_hit_tokens = manager.find_longest_cache_hit(
        hashes,
        {.max_hit_tokens = num_tokens, .max_matched_tokens = num_tokens, .alignment = kBlockSize},
        ids
    );
    EXPECT_EQ(num_hit_tokens, static_cast<int>(ids.size()) * kBlockSize);
    return ids;
  }
};

struct HitCase {
  const char* cached;
  size_t num_blocks;
};
class SlidingWindowHitTest : public ::testing::TestWithParam<HitCase> {};
INSTANTIATE_TEST_SUITE_P(
    Patterns,
    SlidingWindowHitTest,
    ::testing::Values(
        HitCase{"FFFFFFFFFF", 0},
        HitCase{"T", 1},
        HitCase{"TF", 1},
        HitCase{"TT", 2},
        HitCase{"TTF", 2},
        HitCase{"TTT", 3},
        HitCase{"TTTF", 3},
        HitCase{"TTFTFFTTFTTT", 12},
        HitCase{"TTFTFFTTFFF", 8},
        HitCase{"TTFTFFTTFFFT", 8}
    ),
    [](const auto& test) { return std::string(test.param.cached); }
);

TEST_P(SlidingWindowHitTest, TheLongestPrefixWhoseWindowIsCachedIsHit) {
  Group group;
  const std::vector<int> ids = group.hit(GetParam().cached);
  ASSERT_EQ(ids.size(), GetParam().num_blocks);
  // What the window does not reach is not held.
  for (size_t i = 0; i < ids.size(); ++i)
    EXPECT_EQ(ids[i] == BlockPool::kNullBlockId, i + 2 < ids.size()) << "block " << i;
}

TEST(SlidingWindowTest, AGroupThatDropsItsLastHitBlockNeedsOneMore) {
  for (const auto& [cached, num_blocks] : std::vector<HitCase>{
           {"T", 0}, {"TT", 1}, {"FT", 0}, {"TTT", 2}, {"FTTT", 3}, {"FTTFTT", 0}, {"FTTTF", 3}}) {
    Group group(4, /*drops_last_hit_block=*/true);
    EXPECT_EQ(group.hit(cached).size(), num_blocks) << cached;
  }
}

TEST(SlidingWindowTest, AWindowOfOneTokenNeedsTheLastBlockOnly) {
  Group group(1);
  EXPECT_EQ(group.hit("FFT").size(), 3u);
}

TEST(SlidingWindowTest, BlocksThatNoQueryWillSeeAreGivenBack) {
  Group group;
  group.manager.allocate_new_blocks(0, 11 * kBlockSize);
  const auto ids = [&] { return to_vector(group.manager.block_ids(0)); };
  ASSERT_THAT(ids(), ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11));
  const int num_free = group.pool.num_free_blocks();

  // The query at 4 sees tokens 1 to 4: all of token 0's block but that token.
  group.manager.remove_skipped_blocks(0, 4);
  EXPECT_THAT(ids(), ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11));
  group.manager.remove_skipped_blocks(0, 5);
  EXPECT_THAT(ids(), ElementsAre(0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11));
  group.manager.remove_skipped_blocks(0, 6);
  EXPECT_THAT(ids(), ElementsAre(0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11));
  group.manager.remove_skipped_blocks(0, 7);
  EXPECT_THAT(ids(), ElementsAre(0, 0, 3, 4, 5, 6, 7, 8, 9, 10, 11));
  group.manager.remove_skipped_blocks(0, 11);
  EXPECT_THAT(ids(), ElementsAre(0, 0, 0, 0, 5, 6, 7, 8, 9, 10, 11));
  EXPECT_EQ(group.pool.num_free_blocks(), num_free + 4);
  // Of those that go together, the last one is handed out first.
  const std::vector<int> free_ids = group.pool.free_block_ids();
  EXPECT_THAT(std::vector(free_ids.end() - 4, free_ids.end()), ElementsAre(1, 2, 4, 3));
  group.manager.free(0);
  EXPECT_EQ(group.pool.num_used_blocks(), 0);
}

TEST(SlidingWindowTest, FullAttentionGivesNothingBack) {
  Group group(std::nullopt);
  group.manager.allocate_new_blocks(0, 11 * kBlockSize);
  group.manager.remove_skipped_blocks(0, 22);
  EXPECT_EQ(group.pool.num_used_blocks(), 11);
}

TEST(SlidingWindowTest, NullBlocksAreNotCounted) {
  Group group;
  std::vector<int> ids;
  group.pool.get_new_blocks(10, ids);
  group.pool.free_blocks(ids);
  EXPECT_EQ(group.manager.num_blocks_to_allocate(0, 20 * kBlockSize, ids), 20);
  std::fill(ids.begin(), ids.begin() + 5, BlockPool::kNullBlockId);
  EXPECT_EQ(group.manager.num_blocks_to_allocate(0, 20 * kBlockSize, ids), 15);
}

TEST(SlidingWindowTest, AFreeHitBlockIsCountedOnce) {
  Group group;
  std::vector<int> ids;
  group.pool.get_new_blocks(1, ids);
  group.pool.free_blocks(ids);
  const int num_free = group.pool.num_free_blocks();
  EXPECT_EQ(group.manager.num_blocks_to_allocate(0, 2 * kBlockSize, ids), 2);
  const auto request = create_request({.prompt = token_range(0, 2 * kBlockSize)});
  group.manager.take_hit_blocks(*request, ids);
  group.manager.allocate_new_blocks(0, 2 * kBlockSize);
  EXPECT_EQ(group.pool.num_free_blocks(), num_free - 2);
}

TEST(SlidingWindowTest, ALongSequenceTakesNoMoreThanTheWindowAndAStep) {
  BlockPool pool(50, true);
  const KVCacheGroupSpec spec{
      .layer_indices = {0}, .spec = {.block_size = 16, .sliding_window = 64}};
  KVCacheGroupManager manager(
      pool, 0, spec, {.max_model_len = 1024, .max_num_batched_tokens = 128}
  );
  EXPECT_EQ(manager.max_num_blocks(1024), 13);  // ceil((63 + 128) / 16) + 1
  EXPECT_EQ(manager.max_num_blocks(100), 7);
  EXPECT_EQ(manager.num_blocks_to_compute(0, 1024, {}), 13);
  EXPECT_EQ(manager.num_blocks_to_allocate(0, 1024, {}), 64);

  manager.allocate_new_blocks(0, 128);
  EXPECT_EQ(manager.num_blocks_to_compute(0, 1024, {}), 5);
  // Chunk by chunk it stays within that.
  int most = 0;
  for (int num_computed = 128; num_computed < 1024; num_computed += 128) {
    manager.remove_skipped_blocks(0, num_computed);
    manager.allocate_new_blocks(0, num_computed + 128);
    most = std::max(most, pool.num_used_blocks());
  }
  EXPECT_EQ(most, 12);  // windows begin on a block here
  EXPECT_EQ(manager.block_ids(0).size(), 64u);
}

TEST(SlidingWindowTest, ThereIsNoCommonPrefix) {
  for (const std::optional<int> window : {std::optional<int>(4), std::optional<int>()}) {
    Group group(window);
    std::vector<int> ids;
    group.pool.get_new_blocks(2, ids);
    for (int idx : {0, 1}) {
      const auto request = create_request({.id = static_cast<RequestId>(idx)});
      group.manager.take_hit_blocks(*request, ids);
    }
    EXPECT_EQ(group.manager.num_common_prefix_blocks(0, 3), window ? 0 : 2);
  }
}

}  // namespace
}  // namespace quire::test
