#include "core/kv_cache_block.h"

#include "base/check.h"

namespace quire {

FreeBlockQueue::FreeBlockQueue() {
  ends_.block_id = -1;
  ends_.prev_free = &ends_;
  ends_.next_free = &ends_;
}

KVCacheBlock& FreeBlockQueue::pop_front() {
  QUIRE_CHECK(size_ > 0, "No free blocks available");
  KVCacheBlock& block = *ends_.next_free;
  remove(block);
  return block;
}

void FreeBlockQueue::append(KVCacheBlock& block) {
  QUIRE_CHECK(block.next_free == nullptr, "block {} is free already", block.block_id);
  block.prev_free = ends_.prev_free;
  block.next_free = &ends_;
  ends_.prev_free->next_free = &block;
  ends_.prev_free = &block;
  ++size_;
}

void FreeBlockQueue::remove(KVCacheBlock& block) {
  QUIRE_CHECK(block.next_free != nullptr, "block {} is not free", block.block_id);
  block.prev_free->next_free = block.next_free;
  block.next_free->prev_free = block.prev_free;
  block.prev_free = nullptr;
  block.next_free = nullptr;
  --size_;
}

std::vector<int> FreeBlockQueue::block_ids() const {
  std::vector<int> ids;
  for (const KVCacheBlock* block = ends_.next_free; block != &ends_; block = block->next_free) {
    ids.push_back(block->block_id);
  }
  return ids;
}

}  // namespace quire
