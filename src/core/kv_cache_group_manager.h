#pragma once

#include <span>
#include <vector>

#include "core/block_pool.h"

namespace quire {

// The block tables of one KV cache group, indexed by Request::request_idx. Full attention: a
// request keeps all its blocks until it is freed.
class KVCacheGroupManager {
 public:
  KVCacheGroupManager(BlockPool& pool, int group, int block_size);

  // Appends the cached blocks of the longest prefix, at most max_num_blocks of them.
  void find_longest_cache_hit(
      std::span<const BlockHash> block_hashes, int max_num_blocks, std::vector<int>& block_ids
  ) const;

  // Free blocks it takes until the table covers num_tokens, beginning with the hit ones if the
  // request is new: a hit block that nobody holds is taken from the free ones too.
  int num_blocks_to_allocate(int request_idx, int num_tokens, std::span<const int> hit_block_ids)
      const;

  // Makes the table cover num_tokens. The pool must have num_blocks_to_allocate() free ones. All
  // groups take their hits before any group allocates, or it might be handed one of them.
  void take_hit_blocks(int request_idx, std::span<const int> hit_block_ids, int max_num_blocks);
  void allocate_new_blocks(int request_idx, int num_tokens);

  // Lets the full blocks of the first num_tokens tokens be found.
  void cache_blocks(int request_idx, std::span<const BlockHash> block_hashes, int num_tokens);
  // Takes that back for all blocks that hold tokens from num_tokens on.
  void uncache_blocks(int request_idx, int num_tokens);

  void free(int request_idx);

  // The whole table, and what the last step added to it.
  std::span<const int> block_ids(int request_idx) const;
  std::span<const int> new_block_ids(int request_idx) const;

  // Blocks at the start of this table that num_requests requests hold.
  int num_common_prefix_blocks(int request_idx, int num_requests) const;

  // Adds to ref_counts[block id] what the tables hold.
  void count_references(std::vector<int>& ref_counts) const;

 private:
  struct BlockTable {
    std::vector<int> block_ids;
    int num_cached_blocks = 0;  // the first ones
    int num_new_blocks = 0;  // the last ones
  };

  BlockTable& table(int request_idx);  // makes room for it

  BlockPool& pool_;
  int group_;
  int block_size_;
  std::vector<BlockTable> tables_;  // [request_idx], empty for those that hold nothing
};

}  // namespace quire
