#pragma once

#include <optional>
#include <span>
#include <vector>

#include "config/kv_cache_spec.h"
#include "core/block_pool.h"
#include "core/request.h"

namespace quire {

// What a cache hit may be, in tokens. The hit ends on a multiple of `alignment`.
struct CacheHitLimits {
  int max_hit_tokens = 0;
  // A group that drops its last hit block looks one block further, though not beyond this.
  int max_matched_tokens = 0;
  int alignment = 1;
};

struct GroupManagerOptions {
  int hash_block_size = 16;  // tokens of a block hash; the group's block size is a multiple of it
  int hit_alignment = 16;  // tokens; a multiple of the group's block size
  int max_model_len = 0;
  int max_num_batched_tokens = 0;
  KVCacheEvents* events = nullptr;  // nullptr: nobody wants to know what is cached
};

// The block tables of one KV cache group, indexed by Request::request_idx. With full attention a
// request keeps all its blocks until it is freed. With a sliding window it gives back those that no
// query will see again; the null block takes their place, so that tables keep their order.
class KVCacheGroupManager {
 public:
  KVCacheGroupManager(
      BlockPool& pool, int group, const KVCacheGroupSpec& spec, const GroupManagerOptions& options
  );

  // Replaces `block_ids` by the cached blocks of the longest hit and returns its length in tokens.
  // Under a window only the blocks behind its end that a query sees need to be cached; null blocks
  // stand before them. `block_ids` is empty, or an earlier answer for the same hashes and a longer
  // max_hit_tokens.
  int find_longest_cache_hit(
      std::span<const BlockHash> block_hashes,
      const CacheHitLimits& limits,
      std::vector<int>& block_ids
  ) const;

  // Free blocks it takes until the table covers num_tokens, beginning with the hit ones if the
  // request is new: a hit block that nobody holds is taken from the free ones too. Null blocks are
  // not counted.
  int num_blocks_to_allocate(int request_idx, int num_tokens, std::span<const int> hit_block_ids)
      const;
  // The same for a request that computes them step by step, giving back what falls out of the
  // window: the most that it takes at once.
  int num_blocks_to_compute(int request_idx, int num_tokens, std::span<const int> hit_block_ids)
      const;
  // The same from an empty cache.
  int max_num_blocks(int num_tokens) const {
    return quire::max_num_blocks(spec_, num_tokens, max_num_batched_tokens_);
  }

  // Makes the table cover num_tokens. The pool must have num_blocks_to_allocate() free ones. All
  // groups take their hits before any group allocates, or it might be handed one of them.
  void take_hit_blocks(const Request& request, std::span<const int> hit_block_ids);
  void allocate_new_blocks(int request_idx, int num_tokens);

  // Gives back the blocks that no query at num_computed_tokens or later sees.
  void remove_skipped_blocks(int request_idx, int num_computed_tokens);

  // Lets the full blocks of the first num_tokens tokens be found, except those that can be part of
  // no hit.
  void cache_blocks(const Request& request, int num_tokens);
  // Takes that back for all blocks that hold tokens from num_tokens on.
  void uncache_blocks(int request_idx, int num_tokens);

  void free(int request_idx);

  int block_size() const { return spec_.block_size; }

  // The whole table, and what the last step added to it.
  std::span<const int> block_ids(int request_idx) const;
  std::span<const int> new_block_ids(int request_idx) const;

  // Blocks at the start of this table that num_requests requests hold; 0 under a window, where
  // attention does not read the start.
  int num_common_prefix_blocks(int request_idx, int num_requests) const;

  // Adds to ref_counts[block id] what the tables hold, null blocks aside.
  void count_references(std::vector<int>& ref_counts) const;

 private:
  struct BlockTable {
    std::vector<int> block_ids;
    int num_null_blocks = 0;  // the first ones
    int num_cached_blocks = 0;  // the first ones: cached, or never to be
    int num_new_blocks = 0;  // the last ones
  };

  BlockTable& table(int request_idx);  // makes room for it
  int num_skipped_blocks(int num_computed_tokens) const;
  BlockHashes of_group(std::span<const BlockHash> block_hashes) const {
    return {block_hashes, hash_stride_};
  }

  int find_full_hit(
      const BlockHashes& hashes, const CacheHitLimits& limits, std::vector<int>& block_ids
  ) const;
  int find_window_hit(
      const BlockHashes& hashes, const CacheHitLimits& limits, std::vector<int>& block_ids
  ) const;
  int num_hit_blocks_needed(int end) const;  // cached ones right before block `end`

  bool can_be_hit(int block) const;
  int cacheable_tokens(int num_tokens) const;
  void cache_run(const Request& request, const BlockTable& table, int first, int last);

  BlockPool& pool_;
  int group_;
  KVCacheSpec spec_;
  int hash_stride_;  // block hashes per block
  int num_dropped_blocks_;  // of a hit
  int num_window_blocks_ = 0;  // that a hit needs under a window
  int hit_alignment_;
  int max_model_len_;
  int max_num_batched_tokens_;
  KVCacheEvents* events_;
  std::vector<BlockTable> tables_;  // [request_idx], empty for those that hold nothing
};

}  // namespace quire
