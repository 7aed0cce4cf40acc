#include "core/cached_block_map.h"

#include <bit>

#include "base/check.h"

namespace quire {
namespace {

size_t bucket_of(const BlockHash& hash, int group, size_t num_buckets) {
  return (BlockHashHasher()(hash) + static_cast<size_t>(group)) & (num_buckets - 1);
}

bool holds(const KVCacheBlock& block, const BlockHash& hash, int group) {
  return block.group == group && block.block_hash == hash;
}

}  // namespace

CachedBlockMap::CachedBlockMap(int max_num_blocks)
    : buckets_(std::bit_ceil(static_cast<size_t>(max_num_blocks))) {}

KVCacheBlock* CachedBlockMap::find(const BlockHash& hash, int group) const {
  KVCacheBlock* block = buckets_[bucket_of(hash, group, buckets_.size())];
  while (block && !holds(*block, hash, group))
    block = block->next_in_bucket;
  return block;
}

KVCacheBlock** CachedBlockMap::find_link(const BlockHash& hash, int group) {
  KVCacheBlock** link = &buckets_[bucket_of(hash, group, buckets_.size())];
  while (*link && !holds(**link, hash, group))
    link = &(*link)->next_in_bucket;
  return link;
}

void CachedBlockMap::insert(KVCacheBlock& block) {
  QUIRE_CHECK(block.next_twin == nullptr, "block {} is cached already", block.block_id);
  KVCacheBlock** link = find_link(block.block_hash, block.group);
  if (KVCacheBlock* first = *link) {
    block.next_twin = first;
    block.prev_twin = first->prev_twin;
    first->prev_twin->next_twin = &block;
    first->prev_twin = &block;
  } else {
    *link = block.next_twin = block.prev_twin = &block;
  }
  ++size_;
}

void CachedBlockMap::erase(KVCacheBlock& block) {
  KVCacheBlock** link = find_link(block.block_hash, block.group);
  QUIRE_CHECK(*link && block.next_twin, "block {} is not cached", block.block_id);
  const bool is_alone = block.next_twin == &block;
  if (*link == &block) {
    if (!is_alone) block.next_twin->next_in_bucket = block.next_in_bucket;
    *link = is_alone ? block.next_in_bucket : block.next_twin;
  }
  block.prev_twin->next_twin = block.next_twin;
  block.next_twin->prev_twin = block.prev_twin;
  block.next_in_bucket = block.prev_twin = block.next_twin = nullptr;
  --size_;
}

}  // namespace quire
