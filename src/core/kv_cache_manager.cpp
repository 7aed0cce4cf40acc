#include "core/kv_cache_manager.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/check.h"

namespace quire {

namespace {

int common_multiple(const KVCacheConfig& config) {
  int multiple = 1;
  for (const KVCacheGroupSpec& group : config.groups)
    multiple = std::lcm(multiple, group.spec.block_size);
  return multiple;
}

}  // namespace

KVCacheManager::KVCacheManager(
    const KVCacheConfig& config,
    const CacheConfig& cache_config,
    int max_model_len,
    std::optional<int> max_num_batched_tokens
)
    : enable_caching_(cache_config.enable_prefix_caching),
      block_size_(cache_config.block_size),
      hit_alignment_(common_multiple(config)),
      max_model_len_(max_model_len),
      events_(cache_config.enable_kv_cache_events ? std::make_unique<KVCacheEvents>() : nullptr),
      metrics_(
          cache_config.kv_cache_metrics_sample
              ? std::make_unique<KVCacheMetrics>(*cache_config.kv_cache_metrics_sample)
              : nullptr
      ),
      pool_(
          config.num_blocks,
          cache_config.enable_prefix_caching,
          {.events = events_.get(), .metrics = metrics_.get()}
      ) {
  QUIRE_CHECK(!config.groups.empty());
  const GroupManagerOptions options{
      .hash_block_size = block_size_,
      .hit_alignment = hit_alignment_,
      .max_model_len = max_model_len,
      .max_num_batched_tokens = max_num_batched_tokens.value_or(max_model_len),
      .events = events_.get(),
  };
  for (const KVCacheGroupSpec& group : config.groups) {
    groups_.emplace_back(pool_, num_groups(), group, options);
  }
  computed_blocks_.block_ids.resize(config.groups.size());
}

// A hit must do for all groups. Each in turn shortens it to the longest that it has itself, until
// as many as there are have agreed to the same length.
const ComputedBlocks& KVCacheManager::computed_blocks(const Request& request) {
  for (std::vector<int>& ids : computed_blocks_.block_ids)
    ids.clear();
  computed_blocks_.num_tokens = 0;
  if (!enable_caching_ || request.skips_reading_prefix_cache()) return computed_blocks_;

  CacheHitLimits limits{
      .max_hit_tokens = (request.num_tokens() - 1) / hit_alignment_ * hit_alignment_,
      .max_matched_tokens = request.num_tokens() - 1,
      .alignment = hit_alignment_,
  };
  int num_agreed = 0;
  for (int group = 0; num_agreed < num_groups(); group = (group + 1) % num_groups()) {
    const int num_hit_tokens = groups_[group].find_longest_cache_hit(
        request.block_hashes, limits, computed_blocks_.block_ids[group]
    );
    num_agreed = num_hit_tokens == limits.max_hit_tokens ? num_agreed + 1 : 1;
    limits.max_hit_tokens = num_hit_tokens;
  }
  computed_blocks_.num_tokens = limits.max_hit_tokens;
  return computed_blocks_;
}

template <class NumBlocks>
bool KVCacheManager::fits(
    NumBlocks num_blocks_of_group,
    const Request& request,
    int num_tokens,
    const ComputedBlocks* hits
) const {
  int num_blocks = 0;
  for (int group = 0; group < num_groups(); ++group) {
    num_blocks +=
        (groups_[group].*num_blocks_of_group
        )(request.request_idx,
          num_tokens,
          hits ? std::span<const int>(hits->block_ids[group]) : std::span<const int>());
  }
  return num_blocks <= pool_.num_free_blocks();
}

bool KVCacheManager::allocate_slots(const Request& request, const AllocateSlotsParams& params) {
  const ComputedBlocks* hits = params.computed_blocks;
  const int num_computed = request.num_computed_tokens + (hits ? hits->num_tokens : 0);
  const int num_known = num_computed + params.num_new_tokens;
  const int num_slots = std::min(num_known + params.num_lookahead_tokens, max_model_len_);
  // Whatever is taken back of the steps under way, the last known token is computed at most again.
  const int num_settled = std::min(request.num_computed_tokens, request.num_tokens() - 1);
  for (KVCacheGroupManager& group : groups_)
    group.remove_skipped_blocks(request.request_idx, num_settled);
  using Group = KVCacheGroupManager;
  if (params.full_sequence_must_fit &&
      !fits(&Group::num_blocks_to_compute, request, request.num_tokens(), hits)) {
    return false;
  }
  if (!fits(&Group::num_blocks_to_allocate, request, num_slots, hits)) return false;

  if (hits) {
    for (int group = 0; group < num_groups(); ++group) {
      groups_[group].take_hit_blocks(request, hits->block_ids[group]);
    }
  }
  for (KVCacheGroupManager& group : groups_) {
    group.allocate_new_blocks(request.request_idx, num_slots);
    // Drafts may be rejected, so they are cached only once they are tokens.
    if (enable_caching_) group.cache_blocks(request, std::min(num_known, request.num_tokens()));
  }
  return true;
}

void KVCacheManager::cache_blocks(const Request& request, int num_tokens) {
  if (!enable_caching_) return;
  for (KVCacheGroupManager& group : groups_)
    group.cache_blocks(request, num_tokens);
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
  int64_t num_blocks = 0;
  for (const KVCacheGroupManager& group : groups_)
    num_blocks += group.max_num_blocks(num_tokens);
  return num_blocks <= pool_.num_usable_blocks();
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

std::vector<KVCacheEvent> KVCacheManager::take_events() {
  return events_ ? events_->take() : std::vector<KVCacheEvent>();
}

std::vector<KVCacheEviction> KVCacheManager::take_evictions() {
  return metrics_ ? metrics_->take_evictions() : std::vector<KVCacheEviction>();
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
