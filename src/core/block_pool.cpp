#include "core/block_pool.h"

#include <algorithm>

#include "base/check.h"

namespace quire {

BlockPool::BlockPool(int num_blocks, bool enable_caching)
    : BlockPool(num_blocks, enable_caching, Observers()) {}

BlockPool::BlockPool(int num_blocks, bool enable_caching, Observers observers)
    : enable_caching_(enable_caching),
      observers_(observers),
      cached_blocks_(std::max(num_blocks, 1)) {
  QUIRE_CHECK(num_blocks >= 2, "num_blocks {} leaves nothing beside the null block", num_blocks);
  blocks_.resize(num_blocks);
  for (int id = 0; id < num_blocks; ++id) {
    blocks_[id].block_id = id;
    if (id != kNullBlockId) free_blocks_.append(blocks_[id]);
  }
  blocks_[kNullBlockId].ref_count = 1;
}

void BlockPool::get_new_blocks(int n, std::vector<int>& block_ids) {
  QUIRE_CHECK(n <= num_free_blocks(), "Cannot get {} free blocks from the pool", n);
  for (int i = 0; i < n; ++i) {
    KVCacheBlock& block = free_blocks_.pop_front();
    uncache(block.block_id);
    if (observers_.metrics) {
      observers_.metrics->on_evicted(block.block_id);
      observers_.metrics->on_allocated(block.block_id);
    }
    block.ref_count = 1;
    block_ids.push_back(block.block_id);
  }
}

void BlockPool::touch(std::span<const int> block_ids) {
  for (int id : block_ids) {
    if (id == kNullBlockId) continue;
    KVCacheBlock& block = blocks_[id];
    if (block.ref_count == 0) free_blocks_.remove(block);
    ++block.ref_count;
    if (observers_.metrics) observers_.metrics->on_accessed(id);
  }
}

void BlockPool::free_blocks(std::span<const int> block_ids) {
  for (size_t i = block_ids.size(); i-- > 0;) {
    KVCacheBlock& block = blocks_[block_ids[i]];
    if (block.block_id == kNullBlockId) continue;
    QUIRE_CHECK(block.ref_count > 0, "block {} is freed twice", block.block_id);
    if (--block.ref_count == 0) free_blocks_.append(block);
  }
}

std::optional<int> BlockPool::cached_block(const BlockHash& hash, int group) const {
  const KVCacheBlock* block = cached_blocks_.find(hash, group);
  if (!block) return std::nullopt;
  return block->block_id;
}

void BlockPool::cache_full_blocks(
    std::span<const int> block_ids,
    const BlockHashes& block_hashes,
    int num_cached_blocks,
    int num_full_blocks,
    int group
) {
  if (!enable_caching_) return;
  QUIRE_CHECK(
      num_full_blocks <= std::min(static_cast<int>(block_ids.size()), block_hashes.size()),
      "{} full blocks, {} ids, {} hashes",
      num_full_blocks,
      block_ids.size(),
      block_hashes.size()
  );
  for (int i = num_cached_blocks; i < num_full_blocks; ++i) {
    KVCacheBlock& block = blocks_[block_ids[i]];
    if (block.block_id == kNullBlockId) continue;
    QUIRE_CHECK(!block.is_cached, "block {} is cached already", block.block_id);
    block.is_cached = true;
    block.group = group;
    block.block_hash = block_hashes[i];
    cached_blocks_.insert(block);
  }
}

void BlockPool::forget(KVCacheBlock& block) {
  cached_blocks_.erase(block);
  block.is_cached = false;
}

void BlockPool::uncache(int block_id) {
  KVCacheBlock& block = blocks_[block_id];
  if (!block.is_cached) return;
  if (observers_.events) observers_.events->add(BlockRemoved{block.block_hash, block.group});
  forget(block);
}

bool BlockPool::reset_prefix_cache() {
  if (num_used_blocks() > 0) return false;
  for (KVCacheBlock& block : blocks_) {
    if (block.is_cached) forget(block);
  }
  if (observers_.metrics) observers_.metrics->reset();
  if (observers_.events) observers_.events->add(AllBlocksCleared());
  return true;
}

void BlockPool::check_integrity() const {
  const std::vector<int> free_ids = free_blocks_.block_ids();
  QUIRE_CHECK(
      static_cast<int>(free_ids.size()) == num_free_blocks(),
      "{} blocks in the free list, {} counted",
      free_ids.size(),
      num_free_blocks()
  );
  for (int id : free_ids) {
    QUIRE_CHECK(blocks_[id].ref_count == 0, "free block {} is in use", id);
  }
  int num_unused = 0;
  int num_cached = 0;
  for (const KVCacheBlock& block : blocks_) {
    num_unused += block.ref_count == 0;
    num_cached += block.is_cached;
    if (!block.is_cached) continue;
    const KVCacheBlock* twin = cached_blocks_.find(block.block_hash, block.group);
    QUIRE_CHECK(twin && twin->is_cached, "cached block {} is not found", block.block_id);
  }
  const KVCacheBlock& null_block = blocks_[kNullBlockId];
  QUIRE_CHECK(null_block.ref_count == 1 && !null_block.is_cached, "the null block was handed out");
  QUIRE_CHECK(num_unused == num_free_blocks(), "{} unused, {} free", num_unused, num_free_blocks());
  QUIRE_CHECK(
      num_cached == num_cached_blocks(), "{} cached, {} in the map", num_cached, num_cached_blocks()
  );
}

}  // namespace quire
