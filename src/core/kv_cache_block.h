#pragma once

#include <vector>

#include "core/block_hash.h"

namespace quire {

// One block of KV memory. Owned by the BlockPool; others name it by its id. All lists and maps of
// blocks are woven through it, so that moving a block allocates nothing.
struct KVCacheBlock {
  int block_id = 0;
  int ref_count = 0;  // requests whose table holds it; 0: free, though its content may be cached

  // Set while the block is full and can be found by its content.
  bool is_cached = false;
  int group = 0;
  BlockHash block_hash;

  KVCacheBlock* prev_free = nullptr;  // FreeBlockQueue
  KVCacheBlock* next_free = nullptr;
  KVCacheBlock* next_in_bucket = nullptr;  // CachedBlockMap
  KVCacheBlock* prev_twin = nullptr;
  KVCacheBlock* next_twin = nullptr;
};

// The free blocks in eviction order: the front one is taken first. Removal from the middle is O(1),
// because a cache hit revives a free block.
class FreeBlockQueue {
 public:
  FreeBlockQueue();
  FreeBlockQueue(const FreeBlockQueue&) = delete;
  FreeBlockQueue& operator=(const FreeBlockQueue&) = delete;

  int size() const { return size_; }
  KVCacheBlock& pop_front();  // must not be empty
  void append(KVCacheBlock& block);
  void remove(KVCacheBlock& block);  // must be in the queue
  std::vector<int> block_ids() const;  // in eviction order

 private:
  KVCacheBlock ends_;  // before the first and after the last
  int size_ = 0;
};

}  // namespace quire
