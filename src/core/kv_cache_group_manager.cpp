#include "core/kv_cache_group_manager.h"

#include <algorithm>

#include "base/check.h"
#include "base/math.h"

namespace quire {
namespace {

int round_down(int a, int multiple) {
  return a / multiple * multiple;
}

}  // namespace

KVCacheGroupManager::KVCacheGroupManager(
    BlockPool& pool, int group, const KVCacheGroupSpec& spec, const GroupManagerOptions& options
)
    : pool_(pool),
      group_(group),
      spec_(spec.spec),
      hash_stride_(spec.spec.block_size / options.hash_block_size),
      num_dropped_blocks_(spec.drops_last_hit_block ? 1 : 0),
      hit_alignment_(options.hit_alignment),
      max_model_len_(options.max_model_len),
      max_num_batched_tokens_(options.max_num_batched_tokens),
      events_(options.events) {
  QUIRE_CHECK(
      spec_.block_size % options.hash_block_size == 0,
      "a group has blocks of {} tokens, the cache of {}",
      spec_.block_size,
      options.hash_block_size
  );
  QUIRE_CHECK(spec_.sliding_window.value_or(1) >= 1, "sliding_window={}", *spec_.sliding_window);
  if (spec_.sliding_window) {
    num_window_blocks_ = std::max(1, ceil_div(*spec_.sliding_window - 1, spec_.block_size));
  }
}

KVCacheGroupManager::BlockTable& KVCacheGroupManager::table(int request_idx) {
  if (request_idx >= static_cast<int>(tables_.size())) tables_.resize(request_idx + 1);
  return tables_[request_idx];
}

int KVCacheGroupManager::num_blocks_to_allocate(
    int request_idx, int num_tokens, std::span<const int> hit_block_ids
) const {
  const int num_held = static_cast<int>(block_ids(request_idx).size() + hit_block_ids.size());
  const int num_new = std::max(0, ceil_div(num_tokens, spec_.block_size) - num_held);
  const auto is_evictable = [&](int id) { return pool_.block(id).ref_count == 0; };
  return num_new + static_cast<int>(std::ranges::count_if(hit_block_ids, is_evictable));
}

int KVCacheGroupManager::num_blocks_to_compute(
    int request_idx, int num_tokens, std::span<const int> hit_block_ids
) const {
  const int num_needed = num_blocks_to_allocate(request_idx, num_tokens, hit_block_ids);
  if (!spec_.sliding_window) return num_needed;
  const auto is_real = [](int id) { return id != BlockPool::kNullBlockId; };
  const auto is_held = [&](int id) { return is_real(id) && pool_.block(id).ref_count > 0; };
  const auto num_held = std::ranges::count_if(block_ids(request_idx), is_real) +
                        std::ranges::count_if(hit_block_ids, is_held);
  return std::min(num_needed, std::max(0, max_num_blocks(num_tokens) - static_cast<int>(num_held)));
}

void KVCacheGroupManager::take_hit_blocks(
    const Request& request, std::span<const int> hit_block_ids
) {
  BlockTable& table = this->table(request.request_idx);
  QUIRE_CHECK(table.block_ids.empty(), "request {} holds blocks already", request.id);
  pool_.touch(hit_block_ids);
  table.block_ids.reserve(ceil_div(request.max_num_tokens(max_model_len_), spec_.block_size));
  table.block_ids.assign(hit_block_ids.begin(), hit_block_ids.end());
  table.num_cached_blocks = static_cast<int>(hit_block_ids.size());
  const auto is_null = [](int id) { return id == BlockPool::kNullBlockId; };
  const auto first_real = std::ranges::find_if_not(table.block_ids, is_null);
  table.num_null_blocks = static_cast<int>(first_real - table.block_ids.begin());
}

void KVCacheGroupManager::allocate_new_blocks(int request_idx, int num_tokens) {
  BlockTable& table = this->table(request_idx);
  const int num_held = static_cast<int>(table.block_ids.size());
  const int num_new = std::max(0, ceil_div(num_tokens, spec_.block_size) - num_held);
  table.num_new_blocks = num_new;
  if (num_new > 0) pool_.get_new_blocks(num_new, table.block_ids);
}

// The query at position p sees (p - window, p].
int KVCacheGroupManager::num_skipped_blocks(int num_computed_tokens) const {
  if (!spec_.sliding_window) return 0;
  return std::max(0, num_computed_tokens - *spec_.sliding_window + 1) / spec_.block_size;
}

void KVCacheGroupManager::remove_skipped_blocks(int request_idx, int num_computed_tokens) {
  const int num_skipped = num_skipped_blocks(num_computed_tokens);
  if (num_skipped == 0 || request_idx >= static_cast<int>(tables_.size())) return;
  BlockTable& table = tables_[request_idx];
  const int end = std::min(num_skipped, static_cast<int>(table.block_ids.size()));
  const int begin = table.num_null_blocks;
  if (begin >= end) return;
  const auto skipped = std::span(table.block_ids).subspan(begin, end - begin);
  pool_.free_blocks(skipped);
  std::ranges::fill(skipped, BlockPool::kNullBlockId);
  table.num_null_blocks = end;
}

void KVCacheGroupManager::uncache_blocks(int request_idx, int num_tokens) {
  BlockTable& table = tables_[request_idx];
  const int num_valid_blocks = num_tokens / spec_.block_size;
  for (int i = num_valid_blocks; i < table.num_cached_blocks; ++i) {
    pool_.uncache(table.block_ids[i]);
  }
  table.num_cached_blocks = std::min(table.num_cached_blocks, num_valid_blocks);
}

void KVCacheGroupManager::free(int request_idx) {
  if (request_idx >= static_cast<int>(tables_.size())) return;
  BlockTable& table = tables_[request_idx];
  pool_.free_blocks(table.block_ids);
  table = {};  // with its memory: there may be many more indices than running requests
}

std::span<const int> KVCacheGroupManager::block_ids(int request_idx) const {
  if (request_idx >= static_cast<int>(tables_.size())) return {};
  return tables_[request_idx].block_ids;
}

std::span<const int> KVCacheGroupManager::new_block_ids(int request_idx) const {
  if (request_idx >= static_cast<int>(tables_.size())) return {};
  return block_ids(request_idx).last(tables_[request_idx].num_new_blocks);
}

int KVCacheGroupManager::num_common_prefix_blocks(int request_idx, int num_requests) const {
  if (spec_.sliding_window) return 0;
  int num_common = 0;
  for (int id : block_ids(request_idx)) {
    if (pool_.block(id).ref_count != num_requests) break;
    ++num_common;
  }
  return num_common;
}

void KVCacheGroupManager::count_references(std::vector<int>& ref_counts) const {
  for (const BlockTable& table : tables_) {
    for (int id : table.block_ids) {
      if (id != BlockPool::kNullBlockId) ++ref_counts[id];
    }
  }
}

int KVCacheGroupManager::find_longest_cache_hit(
    std::span<const BlockHash> block_hashes,
    const CacheHitLimits& limits,
    std::vector<int>& block_ids
) const {
  const BlockHashes hashes = of_group(block_hashes);
  return spec_.sliding_window ? find_window_hit(hashes, limits, block_ids)
                              : find_full_hit(hashes, limits, block_ids);
}

int KVCacheGroupManager::find_full_hit(
    const BlockHashes& hashes, const CacheHitLimits& limits, std::vector<int>& block_ids
) const {
  int num_hit_tokens = limits.max_hit_tokens;
  // Every shorter prefix of an earlier answer is a hit too.
  if (block_ids.empty()) {
    const int max_num_blocks = std::min(hashes.size(), limits.max_matched_tokens / block_size());
    for (int i = 0; i < max_num_blocks; ++i) {
      const std::optional<int> block_id = pool_.cached_block(hashes[i], group_);
      if (!block_id) break;
      block_ids.push_back(*block_id);
    }
    const int num_kept = static_cast<int>(block_ids.size()) - num_dropped_blocks_;
    num_hit_tokens = std::min(num_hit_tokens, std::max(0, num_kept) * block_size());
  }
  num_hit_tokens = round_down(num_hit_tokens, limits.alignment);
  block_ids.resize(num_hit_tokens / block_size());
  return num_hit_tokens;
}

// From the right: a hit that ends before block `end` needs num_window_blocks_ cached ones before
// it, or all where there are fewer, and those that it drops after it. A block that is missing rules
// out every end that needs it, so no block is looked up twice.
int KVCacheGroupManager::find_window_hit(
    const BlockHashes& hashes, const CacheHitLimits& limits, std::vector<int>& block_ids
) const {
  block_ids.clear();
  const int blocks_per_step = limits.alignment / block_size();
  const auto aligned = [&](int end) {
    return std::max(0, round_down(end - num_dropped_blocks_, blocks_per_step));
  };
  const int num_known = std::min(hashes.size(), limits.max_matched_tokens / block_size());
  int end =
      std::min(aligned(num_known), limits.max_hit_tokens / limits.alignment * blocks_per_step);
  for (int block = end + num_dropped_blocks_ - 1;
       end > 0 && block >= std::max(0, end - num_window_blocks_);
       --block) {
    if (pool_.cached_block(hashes[block], group_)) continue;
    end = aligned(block);
    block = end + num_dropped_blocks_;
  }
  block_ids.assign(end, BlockPool::kNullBlockId);
  for (int block = std::max(0, end - num_window_blocks_); block < end; ++block) {
    block_ids[block] = *pool_.cached_block(hashes[block], group_);
  }
  return end * block_size();
}

// Where hits are aligned to more than a block, a window sees only some blocks from where one ends.
bool KVCacheGroupManager::can_be_hit(int block) const {
  if (!spec_.sliding_window) return true;
  const int blocks_per_step = hit_alignment_ / block_size();
  const int at = block % blocks_per_step;
  return at >= blocks_per_step - num_window_blocks_ || at < num_dropped_blocks_;
}

// Up to the last place where a hit may end, and what it drops after it.
int KVCacheGroupManager::cacheable_tokens(int num_tokens) const {
  const int num_dropped_tokens = num_dropped_blocks_ * block_size();
  if (num_tokens < num_dropped_tokens) return 0;
  return round_down(num_tokens - num_dropped_tokens, hit_alignment_) + num_dropped_tokens;
}

void KVCacheGroupManager::cache_blocks(const Request& request, int num_tokens) {
  BlockTable& table = tables_[request.request_idx];
  const int num_full_blocks = cacheable_tokens(num_tokens) / block_size();
  while (table.num_cached_blocks < num_full_blocks) {
    const int first = table.num_cached_blocks;
    int last = first;
    while (last < num_full_blocks && can_be_hit(last))
      ++last;
    if (last > first) cache_run(request, table, first, last);
    table.num_cached_blocks = std::max(last, first + 1);
  }
}

void KVCacheGroupManager::cache_run(
    const Request& request, const BlockTable& table, int first, int last
) {
  const BlockHashes hashes = of_group(request.block_hashes);
  pool_.cache_full_blocks(table.block_ids, hashes, first, last, group_);
  if (!events_) return;
  BlockStored stored{
      .block_size = block_size(), .group = group_, .sliding_window = spec_.sliding_window};
  first = std::max(first, table.num_null_blocks);
  if (first >= last) return;
  if (first > 0 && table.block_ids[first - 1] != BlockPool::kNullBlockId) {
    stored.parent_block_hash = hashes[first - 1];
  }
  for (int block = first; block < last; ++block)
    stored.block_hashes.push_back(hashes[block]);
  const auto begin = request.token_ids.begin();
  stored.token_ids.assign(begin + first * block_size(), begin + last * block_size());
  if (first == 0) stored.cache_salt = request.cache_salt;
  events_->add(std::move(stored));
}

}  // namespace quire
