#include "v0/block_allocator.h"

#include <algorithm>

#include "base/check.h"

namespace quire::v0 {

BlockAllocator::BlockAllocator(int first_block_id, int num_blocks)
    : first_block_id_(first_block_id), num_blocks_(num_blocks), blocks_(num_blocks) {
  free_.reserve(num_blocks);
  for (int i = num_blocks - 1; i >= 0; --i)
    free_.push_back(first_block_id + i);
}

int BlockAllocator::allocate() {
  int block_id = 0;
  if (!free_.empty()) {
    block_id = free_.back();
    free_.pop_back();
  } else {
    block_id = evictor_.evict();
    cached_.erase(*block(block_id).hash);
  }
  block(block_id) = {.ref_count = 1};
  return block_id;
}

void BlockAllocator::add_reference(int block_id) {
  if (block(block_id).ref_count++ == 0) evictor_.remove(block_id);
}

void BlockAllocator::free(int block_id, int64_t now) {
  Block& block = this->block(block_id);
  QUIRE_CHECK(block.ref_count > 0, "block {} is freed twice", block_id);
  block.last_accessed = std::max(block.last_accessed, now);
  if (--block.ref_count > 0) return;
  if (block.hash) {
    evictor_.add(block_id, block.num_hashed_tokens, block.last_accessed);
  } else {
    free_.push_back(block_id);
  }
}

std::optional<int> BlockAllocator::cached_block(const BlockHash& hash) const {
  const auto found = cached_.find(hash);
  if (found == cached_.end()) return std::nullopt;
  return found->second;
}

void BlockAllocator::cache(int block_id, const BlockHash& hash, int num_hashed_tokens) {
  Block& block = this->block(block_id);
  QUIRE_CHECK(block.ref_count > 0, "block {} is free", block_id);
  if (block.hash || !cached_.emplace(hash, block_id).second) return;
  block.hash = hash;
  block.num_hashed_tokens = num_hashed_tokens;
}

bool BlockAllocator::reset_cache() {
  if (num_used_blocks() > 0) return false;
  while (evictor_.size() > 0) {
    const int block_id = evictor_.evict();
    block(block_id) = {};
    free_.push_back(block_id);
  }
  cached_.clear();
  return true;
}

void BlockAllocator::check_integrity(const std::unordered_map<int, int>& ref_counts) const {
  int num_free = 0;
  size_t num_cached = 0;
  for (int i = 0; i < num_blocks_; ++i) {
    const int block_id = first_block_id_ + i;
    const Block& block = blocks_[i];
    const auto expected = ref_counts.find(block_id);
    const int num_holders = expected == ref_counts.end() ? 0 : expected->second;
    QUIRE_CHECK(
        block.ref_count == num_holders,
        "block {}: {} references, {} holders",
        block_id,
        block.ref_count,
        num_holders
    );
    num_free += block.ref_count == 0;
    num_cached += block.hash.has_value();
    QUIRE_CHECK(evictor_.contains(block_id) == (block.ref_count == 0 && block.hash));
    QUIRE_CHECK(!block.hash || cached_block(*block.hash) == block_id, "block {}", block_id);
  }
  QUIRE_CHECK(num_free == num_free_blocks(), "{} free, {} counted", num_free, num_free_blocks());
  QUIRE_CHECK(num_cached == cached_.size(), "{} cached, {} known", num_cached, cached_.size());
}

}  // namespace quire::v0
