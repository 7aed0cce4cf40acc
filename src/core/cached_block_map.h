#pragma once

#include <vector>

#include "core/kv_cache_block.h"

namespace quire {

// (content hash, KV cache group) -> cached block. Blocks with the same content stay apart, because
// block tables only grow at the end: they form a ring of twins, of which the first one cached is
// found. No operation allocates.
class CachedBlockMap {
 public:
  explicit CachedBlockMap(int max_num_blocks);

  int size() const { return size_; }  // cached blocks, twins included
  KVCacheBlock* find(const BlockHash& hash, int group) const;  // nullptr: not cached
  // The block must carry its hash and group, and not be in the map.
  void insert(KVCacheBlock& block);
  void erase(KVCacheBlock& block);  // must be in the map

 private:
  // The pointer that points, or would point, to the first twin of this content.
  KVCacheBlock** find_link(const BlockHash& hash, int group);

  std::vector<KVCacheBlock*> buckets_;  // [power of two]
  int size_ = 0;
};

}  // namespace quire
