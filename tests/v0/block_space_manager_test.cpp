#include "v0/block_space_manager.h"

#include <array>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/scheduler_factory.h"

namespace quire::v0 {
namespace {

using test::create_request;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int kBlockSize = 4;

BlockCopy on_device(int source, int target) {
  return {BlockSpace::kDevice, BlockSpace::kDevice, source, target};
}

std::unique_ptr<Request> request_of(RequestId id, int num_tokens) {
  return create_request({.id = id, .num_tokens = num_tokens});
}

class BlockSpaceTest : public ::testing::Test {
 protected:
  static BlockSpaceConfig config(int num_device_blocks, int num_host_blocks = 0) {
    return {
        .block_size = kBlockSize,
        .num_device_blocks = num_device_blocks,
        .num_host_blocks = num_host_blocks};
  }
  static std::vector<int> ids_of(const BlockSpaceManager& blocks, const Request& request) {
    const std::span<const int> ids = blocks.block_ids(request);
    return {ids.begin(), ids.end()};
  }
  // As after a prefill step that sampled a token.
  static void decode(Request& request) {
    request.num_computed_tokens = request.num_tokens();
    request.token_ids.push_back(1);
  }

  std::vector<BlockCopy> copies_;
};

TEST_F(BlockSpaceTest, APromptTakesWholeBlocks) {
  BlockSpaceManager blocks(config(10));
  const auto request = request_of(0, 9);
  blocks.allocate(*request, {}, copies_);
  EXPECT_EQ(blocks.block_ids(*request).size(), 3u);
  EXPECT_EQ(blocks.device().num_free_blocks(), 7);
  blocks.free(*request);
  EXPECT_EQ(blocks.device().num_free_blocks(), 10);
  EXPECT_THAT(copies_, IsEmpty());
  blocks.check_integrity();
}

// 16-token prompts, a watermark of 10 %: an admission leaves 1 of 10 blocks free.
TEST_F(BlockSpaceTest, AdmissionsLeaveTheWatermarkFree) {
  BlockSpaceConfig wish = config(10);
  wish.watermark = 0.1;
  BlockSpaceManager blocks(wish);
  EXPECT_EQ(blocks.can_allocate(9 * kBlockSize), AllocStatus::kOk);
  EXPECT_EQ(blocks.can_allocate(9 * kBlockSize + 1), AllocStatus::kNever);
  const auto first = request_of(0, 16);
  const auto second = request_of(1, 16);
  blocks.allocate(*first, {}, copies_);
  EXPECT_EQ(blocks.can_allocate(16), AllocStatus::kOk);
  blocks.allocate(*second, {}, copies_);
  EXPECT_EQ(blocks.can_allocate(kBlockSize), AllocStatus::kOk);
  EXPECT_EQ(blocks.can_allocate(kBlockSize + 1), AllocStatus::kLater);
  blocks.free(*first);
  EXPECT_EQ(blocks.can_allocate(kBlockSize + 1), AllocStatus::kOk);
  blocks.check_integrity();
}

TEST_F(BlockSpaceTest, ADecodeTakesABlockWhenItsLastOneIsFull) {
  BlockSpaceManager blocks(config(3));
  const auto request = request_of(0, 7);
  Request* const group[] = {request.get()};
  blocks.allocate(*request, {}, copies_);
  for (int num_new_blocks : {0, 1, 0, 0, 0}) {
    decode(*request);
    ASSERT_TRUE(blocks.can_append_slots(group));
    blocks.append_slots(group, copies_);
    EXPECT_EQ(blocks.new_block_ids(*request).size(), static_cast<size_t>(num_new_blocks));
    blocks.clear_changes(*request);
  }
  decode(*request);
  EXPECT_FALSE(blocks.can_append_slots(group));
  EXPECT_THAT(copies_, IsEmpty());
  blocks.check_integrity();
}

TEST_F(BlockSpaceTest, AForkSharesAllBlocks) {
  BlockSpaceManager blocks(config(10));
  const auto parent = request_of(0, 6);
  const auto child = request_of(1, 6);
  blocks.allocate(*parent, {}, copies_);
  blocks.fork(*parent, *child);
  EXPECT_EQ(ids_of(blocks, *parent), ids_of(blocks, *child));
  EXPECT_EQ(blocks.device().num_used_blocks(), 2);
  blocks.free(*parent);
  EXPECT_EQ(blocks.device().num_used_blocks(), 2);
  blocks.free(*child);
  EXPECT_EQ(blocks.device().num_used_blocks(), 0);
  blocks.check_integrity();
}

TEST_F(BlockSpaceTest, AllButTheLastWriterOfASharedBlockCopyIt) {
  BlockSpaceManager blocks(config(10));
  const auto parent = request_of(0, 6);
  const auto child = request_of(1, 6);
  blocks.allocate(*parent, {}, copies_);
  const std::vector<int> shared = ids_of(blocks, *parent);
  blocks.fork(*parent, *child);
  decode(*parent);
  decode(*child);
  Request* const group[] = {parent.get(), child.get()};
  blocks.append_slots(group, copies_);
  const int copy = blocks.block_ids(*parent)[1];
  EXPECT_THAT(copies_, ElementsAre(on_device(shared[1], copy)));
  EXPECT_EQ(blocks.replaced_idx(*parent), 1);
  EXPECT_EQ(blocks.replaced_idx(*child), std::nullopt);
  EXPECT_EQ(ids_of(blocks, *child), shared);
  EXPECT_EQ(blocks.block_ids(*parent)[0], shared[0]);  // nobody writes into it
  blocks.check_integrity();
}

// The shared block is full, so that nobody writes into it.
TEST_F(BlockSpaceTest, NothingIsCopiedAtTheEndOfABlock) {
  BlockSpaceManager blocks(config(10));
  const auto parent = request_of(0, 8);
  const auto child = request_of(1, 8);
  blocks.allocate(*parent, {}, copies_);
  blocks.fork(*parent, *child);
  decode(*parent);
  decode(*child);
  Request* const group[] = {parent.get(), child.get()};
  blocks.append_slots(group, copies_);
  EXPECT_THAT(copies_, IsEmpty());
  EXPECT_EQ(blocks.device().num_used_blocks(), 4);
  blocks.check_integrity();
}

TEST_F(BlockSpaceTest, RoomForCopiesIsCountedExactly) {
  BlockSpaceManager blocks(config(3));
  const auto parent = request_of(0, 2);
  const auto children = std::array{request_of(1, 2), request_of(2, 2)};
  blocks.allocate(*parent, {}, copies_);
  for (const auto& child : children)
    blocks.fork(*parent, *child);
  Request* const group[] = {parent.get(), children[0].get(), children[1].get()};
  for (Request* request : group)
    decode(*request);
  EXPECT_TRUE(blocks.can_append_slots(group));  // 2 free blocks, 2 of 3 copy
  const auto other = request_of(3, 1);
  blocks.allocate(*other, {}, copies_);
  EXPECT_FALSE(blocks.can_append_slots(group));
  blocks.free(*other);
  blocks.append_slots(group, copies_);
  EXPECT_EQ(copies_.size(), 2u);
  EXPECT_EQ(blocks.device().num_free_blocks(), 0);
  blocks.check_integrity();
}

TEST_F(BlockSpaceTest, SwappingKeepsWhatAGroupShares) {
  BlockSpaceManager blocks(config(4, 4));
  const auto parent = request_of(0, 6);
  const auto child = request_of(1, 6);
  Request* const group[] = {parent.get(), child.get()};
  blocks.allocate(*parent, {}, copies_);
  blocks.fork(*parent, *child);
  decode(*parent);
  decode(*child);
  ASSERT_TRUE(blocks.can_swap_out(group));
  blocks.swap_out(group, copies_);
  EXPECT_EQ(blocks.device().num_used_blocks(), 0);
  EXPECT_EQ(blocks.host().num_used_blocks(), 2);
  ASSERT_EQ(copies_.size(), 2u);
  for (const BlockCopy& copy : copies_) {
    EXPECT_EQ(copy.source_space, BlockSpace::kDevice);
    EXPECT_EQ(copy.target_space, BlockSpace::kHost);
  }
  blocks.check_integrity();

  copies_.clear();
  EXPECT_EQ(blocks.can_swap_in(group), AllocStatus::kOk);
  blocks.swap_in(group, copies_);
  EXPECT_EQ(copies_.size(), 2u);
  EXPECT_EQ(blocks.device().num_used_blocks(), 2);
  EXPECT_EQ(blocks.host().num_used_blocks(), 0);
  EXPECT_EQ(ids_of(blocks, *parent), ids_of(blocks, *child));
  blocks.check_integrity();
}

TEST_F(BlockSpaceTest, SwappingOutNeedsRoomOnTheHost) {
  BlockSpaceManager blocks(config(4, 1));
  const auto request = request_of(0, 6);
  Request* const group[] = {request.get()};
  blocks.allocate(*request, {}, copies_);
  EXPECT_FALSE(blocks.can_swap_out(group));
}

TEST_F(BlockSpaceTest, SwappingInNeedsRoomForTheNextTokenToo) {
  BlockSpaceManager blocks(config(2, 4));
  const auto request = request_of(0, 4);
  const auto other = request_of(1, 4);
  Request* const group[] = {request.get()};
  blocks.allocate(*request, {}, copies_);
  decode(*request);
  blocks.swap_out(group, copies_);
  EXPECT_EQ(blocks.can_swap_in(group), AllocStatus::kOk);  // its block and another
  blocks.allocate(*other, {}, copies_);
  EXPECT_EQ(blocks.can_swap_in(group), AllocStatus::kLater);
  blocks.free(*other);
  request->num_computed_tokens = 4;
  BlockSpaceManager small(config(1, 4));
  small.allocate(*other, {}, copies_);
  decode(*other);
  Request* const too_long[] = {other.get()};
  small.swap_out(too_long, copies_);
  EXPECT_EQ(small.can_swap_in(too_long), AllocStatus::kNever);
  blocks.check_integrity();
}

class CachedBlockSpaceTest : public BlockSpaceTest {
 protected:
  CachedBlockSpaceTest() {
    cache_config_.block_size = kBlockSize;
    space_config_.enable_caching = true;
  }

  std::unique_ptr<Request> hashed(RequestId id, int num_tokens) {
    auto request = create_request({.id = id, .prompt = test::token_range(0, num_tokens)});
    BlockHasher(cache_config_).update_block_hashes(*request);
    return request;
  }
  // Admits and computes a prompt.
  void compute(BlockSpaceManager& blocks, Request& request) {
    const CachedPrefix prefix = blocks.cached_prefix(request);
    blocks.allocate(request, prefix, copies_);
    request.num_computed_tokens = request.num_tokens();
    blocks.mark_computed(request);
  }

  CacheConfig cache_config_;
  BlockSpaceConfig space_config_ = config(6);
};

TEST_F(CachedBlockSpaceTest, FullBlocksAreSharedWhenTheyAreComputed) {
  BlockSpaceManager blocks(space_config_);
  const auto first = hashed(0, 10);
  const auto second = hashed(1, 10);
  blocks.allocate(*first, {}, copies_);
  EXPECT_EQ(blocks.cached_prefix(*second).num_tokens, 0);  // nothing is computed yet
  first->num_computed_tokens = 10;
  blocks.mark_computed(*first);
  EXPECT_EQ(blocks.cached_prefix(*second).num_tokens, 8);
  compute(blocks, *second);
  EXPECT_EQ(blocks.block_ids(*first)[1], blocks.block_ids(*second)[1]);
  EXPECT_NE(blocks.block_ids(*first)[2], blocks.block_ids(*second)[2]);
  EXPECT_EQ(blocks.device().num_used_blocks(), 4);
  blocks.check_integrity();
}

TEST_F(CachedBlockSpaceTest, FreedBlocksAreFoundAgain) {
  BlockSpaceManager blocks(space_config_);
  const auto first = hashed(0, 10);
  compute(blocks, *first);
  blocks.free(*first);
  EXPECT_EQ(blocks.device().num_used_blocks(), 0);
  const auto second = hashed(1, 12);
  EXPECT_EQ(blocks.cached_prefix(*second).num_tokens, 8);
  ASSERT_TRUE(blocks.reset_prefix_cache());
  EXPECT_EQ(blocks.cached_prefix(*second).num_tokens, 0);
  blocks.check_integrity();
}

TEST_F(CachedBlockSpaceTest, OfAFullyCachedPromptTheLastTokenIsComputedInACopy) {
  BlockSpaceManager blocks(space_config_);
  const auto first = hashed(0, 8);
  compute(blocks, *first);
  const auto second = hashed(1, 8);
  const CachedPrefix prefix = blocks.cached_prefix(*second);
  EXPECT_EQ(prefix.num_tokens, 7);
  EXPECT_EQ(prefix.num_blocks, 2);
  blocks.allocate(*second, prefix, copies_);
  const int shared = blocks.block_ids(*first)[1];
  const int copy = blocks.block_ids(*second)[1];
  EXPECT_NE(shared, copy);
  EXPECT_THAT(copies_, ElementsAre(on_device(shared, copy)));
  EXPECT_EQ(blocks.device().num_used_blocks(), 3);
  blocks.check_integrity();
}

TEST_F(CachedBlockSpaceTest, WithoutABlockForTheCopyTheLastBlockIsComputedAnew) {
  space_config_ = config(2);
  space_config_.enable_caching = true;
  BlockSpaceManager blocks(space_config_);
  const auto first = hashed(0, 8);
  compute(blocks, *first);
  blocks.free(*first);
  const auto second = hashed(1, 8);
  EXPECT_EQ(blocks.cached_prefix(*second).num_tokens, 4);
  compute(blocks, *second);
  EXPECT_EQ(blocks.device().num_used_blocks(), 2);
  blocks.check_integrity();
}

TEST_F(CachedBlockSpaceTest, TheRequestUsedLeastRecentlyLosesItsTailFirst) {
  BlockSpaceManager blocks(space_config_);
  const auto old = create_request({.id = 0, .prompt = test::token_range(100, 8)});
  BlockHasher(cache_config_).update_block_hashes(*old);
  const auto recent = hashed(1, 8);
  blocks.begin_step();
  compute(blocks, *old);
  blocks.begin_step();
  compute(blocks, *recent);
  blocks.free(*recent);
  blocks.free(*old);  // freed later, but used earlier
  const auto third = request_of(2, 12);
  third->block_hashes.clear();
  blocks.allocate(*third, {}, copies_);  // two blocks without content and one cached
  EXPECT_EQ(blocks.cached_prefix(*old).num_tokens, 4);
  EXPECT_EQ(blocks.cached_prefix(*recent).num_tokens, 7);
  blocks.check_integrity();
}

}  // namespace
}  // namespace quire::v0
