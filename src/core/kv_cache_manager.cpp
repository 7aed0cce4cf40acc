#include "core/kv_cache_manager.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/math.h"

namespace quire {

KVCacheManager::KVCacheManager(
    const KVCacheConfig& config, const CacheConfig& cache_config, int max_model_len
)
    : enable_caching_(cache_config.enable_prefix_caching),
      block_size_(cache_config.block_size),
      max_model_len_(max_model_len),
      pool_(config.num_blocks, cache_config.enable_prefix_caching) {
  QUIRE_CHECK(!config.groups.empty());
  for (const KVCacheGroupSpec& group : config.groups) {
    QUIRE_CHECK(
        group.spec.block_size == block_size_,
        "a group has blocks of {} tokens, the cache of {}",
        group.spec.block_size,
        block_size_
    );
    groups_.emplace_back(pool_, num_groups(), block_size_);
  }
  computed_blocks_.block_ids.resize(config.groups.size());
}

const ComputedBlocks& KVCacheManager::computed_blocks(const Request& request) {
  for (std::vector<int>& ids : computed_blocks_.block_ids)
    ids.clear();
  computed_blocks_.num_tokens = 0;
  if (!enable_caching_ || request.skips_reading_prefix_cache()) return computed_blocks_;

  int num_blocks = (request.num_tokens() - 1) / block_size_;
  for (int group = 0; group < num_groups(); ++group) {
    std::vector<int>& ids = computed_blocks_.block_ids[group];
    groups_[group].find_longest_cache_hit(request.block_hashes, num_blocks, ids);
    num_blocks = static_cast<int>(ids.size());
  }
  for (std::vector<int>& ids : computed_blocks_.block_ids)
    ids.resize(num_blocks);
  computed_blocks_.num_tokens = num_blocks * block_size_;
  return computed_blocks_;
}

bool KVCacheManager::fits(const Request& request, int num_tokens, const ComputedBlocks* hits)
    const {
  int num_blocks = 0;
  for (int group = 0; group < num_groups(); ++group) {
    num_blocks += groups_[group].num_blocks_to_allocate(
        request.request_idx,
        num_tokens,
        hits ? std::span<const int>(hits->block_ids[group]) : std::span<const int>()
    );
  }
  return num_blocks <= pool_.num_free_blocks();
}

bool KVCacheManager::allocate_slots(const Request& request, const AllocateSlotsParams& params) {
  const ComputedBlocks* hits = params.computed_blocks;
  const int num_computed = request.num_computed_tokens + (hits ? hits->num_tokens : 0);
  const int num_known = num_computed + params.num_new_tokens;
  const int num_slots = std::min(num_known + params.num_lookahead_tokens, max_model_len_);
  if (params.full_sequence_must_fit && !fits(request, request.num_tokens(), hits)) return false;
  if (!fits(request, num_slots, hits)) return false;

  if (hits) {
    const int max_num_blocks = ceil_div(request.max_num_tokens(max_model_len_), block_size_);
    for (int group = 0; group < num_groups(); ++group) {
      groups_[group].take_hit_blocks(request.request_idx, hits->block_ids[group], max_num_blocks);
    }
  }
  for (KVCacheGroupManager& group : groups_) {
    group.allocate_new_blocks(request.request_idx, num_slots);
    // Drafts may be rejected, so they are cached only once they are tokens.
    if (enable_caching_) {
      group.cache_blocks(
          request.request_idx, request.block_hashes, std::min(num_known, request.num_tokens())
      );
    }
  }
  return true;
}

void KVCacheManager::uncache_uncomputed_blocks(const Request& request) {
  for (KVCacheGroupManager& group : groups_) {
    group.uncache_blocks(request.request_idx, request.num_computed_tokens);
  }
}

void KVCacheManager::free(const Request& request) {
  for (KVCacheGroupManager& group : groups_)
    group.free(request.request_idx);
}

bool KVCacheManager::can_ever_fit(int num_tokens) const {
  return ceil_div(num_tokens, block_size_) * num_groups() <= pool_.num_usable_blocks();
}

std::span<const int> KVCacheManager::block_ids(const Request& request, int group) const {
  return groups_[group].block_ids(request.request_idx);
}

std::span<const int> KVCacheManager::new_block_ids(const Request& request, int group) const {
  return groups_[group].new_block_ids(request.request_idx);
}

void KVCacheManager::common_prefix_blocks(
    std::span<Request* const> running, std::vector<int>& num_blocks
) const {
  const int num_requests = static_cast<int>(running.size());
  for (const KVCacheGroupManager& group : groups_) {
    num_blocks.push_back(
        num_requests < 2
            ? 0
            : group.num_common_prefix_blocks(running.front()->request_idx, num_requests)
    );
  }
}

void KVCacheManager::record_prefix_cache_query(const Request& request, int num_hit_tokens) {
  if (!enable_caching_ || request.skips_reading_prefix_cache()) return;
  PrefixCacheStats& stats = prefix_cache_stats_;
  if (request.num_preemptions > 0) {
    ++stats.num_preempted_requests;
    stats.num_preempted_queried_tokens += request.num_tokens();
    stats.num_preempted_hit_tokens += num_hit_tokens;
  } else {
    ++stats.num_requests;
    stats.num_queried_tokens += request.num_tokens();
    stats.num_hit_tokens += num_hit_tokens;
  }
}

PrefixCacheStats KVCacheManager::take_prefix_cache_stats() {
  return std::exchange(prefix_cache_stats_, PrefixCacheStats());
}

void KVCacheManager::check_integrity() const {
  pool_.check_integrity();
  std::vector<int> ref_counts(pool_.num_usable_blocks() + 1, 0);
  ref_counts[BlockPool::kNullBlockId] = 1;
  for (const KVCacheGroupManager& group : groups_)
    group.count_references(ref_counts);
  for (size_t id = 0; id < ref_counts.size(); ++id) {
    QUIRE_CHECK(
        pool_.block(id).ref_count == ref_counts[id],
        "block {}: {} references, {} tables hold it",
        id,
        pool_.block(id).ref_count,
        ref_counts[id]
    );
  }
}

}  // namespace quire
