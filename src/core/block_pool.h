#pragma once

#include <optional>
#include <span>
#include <vector>

#include "core/cached_block_map.h"
#include "core/kv_cache_block.h"
#include "core/kv_cache_events.h"
#include "core/kv_cache_metrics.h"

namespace quire {

// Block hashes of a request as a group with larger blocks sees them: the chain makes the hash of
// the last part stand for the whole block.
// Example: hashes of blocks of 16 tokens, a group with blocks of 32: stride 2.
struct BlockHashes {
  std::span<const BlockHash> hashes;
  int stride = 1;

  int size() const { return static_cast<int>(hashes.size()) / stride; }
  const BlockHash& operator[](int block) const {
    return hashes[static_cast<size_t>(block + 1) * stride - 1];
  }
};

// All blocks of the KV cache, and which of them hold known content. Freed blocks keep their content
// until they are handed out again (lazy eviction). Block 0 is the null block: it is never handed
// out and stands where a table needs an id but no memory.
class BlockPool {
 public:
  static constexpr int kNullBlockId = 0;

  // Told what happens; nullptr: nobody. They outlive the pool.
  struct Observers {
    KVCacheEvents* events = nullptr;
    KVCacheMetrics* metrics = nullptr;
  };

  // num_blocks includes the null block, so at least 2.
  BlockPool(int num_blocks, bool enable_caching);
  BlockPool(int num_blocks, bool enable_caching, Observers observers);

  // The null block aside.
  int num_usable_blocks() const { return static_cast<int>(blocks_.size()) - 1; }
  int num_free_blocks() const { return free_blocks_.size(); }
  int num_used_blocks() const { return num_usable_blocks() - num_free_blocks(); }
  int num_cached_blocks() const { return cached_blocks_.size(); }
  double usage() const { return static_cast<double>(num_used_blocks()) / num_usable_blocks(); }
  const KVCacheBlock& block(int block_id) const { return blocks_[block_id]; }

  // Appends n block ids to `block_ids`; whatever they held is forgotten. n <= num_free_blocks().
  void get_new_blocks(int n, std::vector<int>& block_ids);

  // One more request holds these blocks.
  void touch(std::span<const int> block_ids);

  // One request less holds these blocks. They are freed from the last to the first, so that the
  // tail of a prompt is evicted before its head, which more prompts share.
  void free_blocks(std::span<const int> block_ids);

  // A block with this content, free or in use.
  std::optional<int> cached_block(const BlockHash& hash, int group) const;

  // Lets blocks [num_cached_blocks, num_full_blocks) of a table be found by their content; null
  // blocks are passed over.
  void cache_full_blocks(
      std::span<const int> block_ids,
      const BlockHashes& block_hashes,
      int num_cached_blocks,
      int num_full_blocks,
      int group
  );

  // Forgets the content of one block, cached or not.
  void uncache(int block_id);

  // Forgets all content. False, and nothing changed, while a block is in use.
  [[nodiscard]] bool reset_prefix_cache();

  // In the order in which they will be handed out.
  std::vector<int> free_block_ids() const { return free_blocks_.block_ids(); }

  // Throws InternalError if the free list, the map and the blocks disagree. Walks all blocks.
  void check_integrity() const;

 private:
  void forget(KVCacheBlock& block);  // must be cached

  bool enable_caching_;
  Observers observers_;
  std::vector<KVCacheBlock> blocks_;  // never resized: the lists point into it
  FreeBlockQueue free_blocks_;
  CachedBlockMap cached_blocks_;
};

}  // namespace quire
