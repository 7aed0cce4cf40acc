#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "config/cache_config.h"
#include "config/kv_cache_spec.h"
#include "core/block_pool.h"
#include "core/kv_cache_events.h"
#include "core/kv_cache_group_manager.h"
#include "core/kv_cache_metrics.h"
#include "core/request.h"
#include "core/stats.h"

namespace quire {

// Blocks of a request's prefix that are cached already.
struct ComputedBlocks {
  int num_tokens = 0;
  // [num_groups]; the null block where a group's window does not reach
  std::vector<std::vector<int>> block_ids;
};

// What allocate_slots() is to make room for.
//
//   | computed | hit | new | lookahead |
//   computed:  request.num_computed_tokens, whose blocks the request holds
//   hit:       computed_blocks->num_tokens, of a request that holds nothing yet
//   new:       computed in the coming step
//   lookahead: written by a proposer after it
struct AllocateSlotsParams {
  int num_new_tokens = 0;
  const ComputedBlocks* computed_blocks = nullptr;  // for a request that holds nothing yet
  int num_lookahead_tokens = 0;
  // Refuse unless the rest of the request would fit too, less what falls out of a window on the
  // way; its blocks are not reserved, though.
  bool full_sequence_must_fit = false;
};

// Which request holds which blocks, in every KV cache group. Knows requests by request_idx and asks
// for the Request only to read it.
class KVCacheManager {
 public:
  // Every group must have blocks of a multiple of cache_config.block_size tokens. A window holds
  // what max_num_batched_tokens, the most of one step, see of it; default: max_model_len.
  KVCacheManager(
      const KVCacheConfig& config,
      const CacheConfig& cache_config,
      int max_model_len,
      std::optional<int> max_num_batched_tokens = std::nullopt
  );

  int num_groups() const { return static_cast<int>(groups_.size()); }
  int block_size(int group) const { return groups_[group].block_size(); }  // tokens

  // Longest prefix that every group has cached, in full blocks and at most num_tokens - 1 tokens:
  // the last token is computed in any case, for its logits. Changes nothing. Valid until the next
  // call.
  const ComputedBlocks& computed_blocks(const Request& request);

  // First gives back what fell out of a window. False: does not fit, and nothing else changed. Full
  // blocks of tokens that are known by now are cached at once, before they are computed: a request
  // behind in the same step may share them.
  [[nodiscard]] bool allocate_slots(const Request& request, const AllocateSlotsParams& params);

  // Caches the full blocks of the first num_tokens tokens: for tokens that became known after their
  // slots were allocated.
  void cache_blocks(const Request& request, int num_tokens);

  // Takes back the caching of blocks whose tokens were planned but will not be computed.
  void uncache_uncomputed_blocks(const Request& request);

  void free(const Request& request);

  // Whether an empty cache would hold that many tokens of one request.
  bool can_ever_fit(int num_tokens) const;

  std::span<const int> block_ids(const Request& request, int group) const;
  // What the last allocate_slots() of the request appended, hits aside.
  std::span<const int> new_block_ids(const Request& request, int group) const;

  // Appends, per group, the number of blocks at the start that all `running` requests share. 0 for
  // fewer than two requests.
  void common_prefix_blocks(std::span<Request* const> running, std::vector<int>& num_blocks) const;

  // Since the last call; empty unless the cache's configuration asks for them.
  std::vector<KVCacheEvent> take_events();
  std::vector<KVCacheEviction> take_evictions();

  // Counts a prefix cache lookup that led to an admission.
  void record_prefix_cache_query(const Request& request, int num_hit_tokens);
  PrefixCacheStats take_prefix_cache_stats();  // since the last call

  // False while a request holds blocks.
  [[nodiscard]] bool reset_prefix_cache() { return pool_.reset_prefix_cache(); }

  const BlockPool& pool() const { return pool_; }

  // Throws InternalError if tables and pool disagree. Walks everything.
  void check_integrity() const;

 private:
  template <class NumBlocks>
  bool fits(
      NumBlocks num_blocks_of_group,
      const Request& request,
      int num_tokens,
      const ComputedBlocks* hits
  ) const;

  bool enable_caching_;
  int block_size_;
  int hit_alignment_;  // least common multiple of the groups' block sizes
  int max_model_len_;
  std::unique_ptr<KVCacheEvents> events_;  // nullptr: not asked for
  std::unique_ptr<KVCacheMetrics> metrics_;
  BlockPool pool_;
  std::vector<KVCacheGroupManager> groups_;
  ComputedBlocks computed_blocks_;
  PrefixCacheStats prefix_cache_stats_;
};

}  // namespace quire
