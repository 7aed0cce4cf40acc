#include "core/kv_cache_group_manager.h"

#include <algorithm>

#include "base/check.h"
#include "base/math.h"

namespace quire {

KVCacheGroupManager::KVCacheGroupManager(BlockPool& pool, int group, int block_size)
    : pool_(pool), group_(group), block_size_(block_size) {}

KVCacheGroupManager::BlockTable& KVCacheGroupManager::table(int request_idx) {
  if (request_idx >= static_cast<int>(tables_.size())) tables_.resize(request_idx + 1);
  return tables_[request_idx];
}

void KVCacheGroupManager::find_longest_cache_hit(
    std::span<const BlockHash> block_hashes, int max_num_blocks, std::vector<int>& block_ids
) const {
  const size_t limit = std::min(block_hashes.size(), static_cast<size_t>(max_num_blocks));
  for (const BlockHash& hash : block_hashes.first(limit)) {
    const std::optional<int> block_id = pool_.cached_block(hash, group_);
    if (!block_id) return;
    block_ids.push_back(*block_id);
  }
}

int KVCacheGroupManager::num_blocks_to_allocate(
    int request_idx, int num_tokens, std::span<const int> hit_block_ids
) const {
  const int num_held = static_cast<int>(block_ids(request_idx).size() + hit_block_ids.size());
  const int num_new = std::max(0, ceil_div(num_tokens, block_size_) - num_held);
  const auto is_evictable = [&](int id) { return pool_.block(id).ref_count == 0; };
  return num_new + static_cast<int>(std::ranges::count_if(hit_block_ids, is_evictable));
}

void KVCacheGroupManager::take_hit_blocks(
    int request_idx, std::span<const int> hit_block_ids, int max_num_blocks
) {
  BlockTable& table = this->table(request_idx);
  QUIRE_CHECK(table.block_ids.empty(), "request_idx {} holds blocks already", request_idx);
  pool_.touch(hit_block_ids);
  table.block_ids.reserve(max_num_blocks);
  table.block_ids.assign(hit_block_ids.begin(), hit_block_ids.end());
  table.num_cached_blocks = static_cast<int>(hit_block_ids.size());
}

void KVCacheGroupManager::allocate_new_blocks(int request_idx, int num_tokens) {
  BlockTable& table = this->table(request_idx);
  const int num_held = static_cast<int>(table.block_ids.size());
  const int num_new = std::max(0, ceil_div(num_tokens, block_size_) - num_held);
  table.num_new_blocks = num_new;
  if (num_new > 0) pool_.get_new_blocks(num_new, table.block_ids);
}

void KVCacheGroupManager::cache_blocks(
    int request_idx, std::span<const BlockHash> block_hashes, int num_tokens
) {
  BlockTable& table = tables_[request_idx];
  const int num_full_blocks = num_tokens / block_size_;
  if (num_full_blocks <= table.num_cached_blocks) return;
  pool_.cache_full_blocks(
      table.block_ids, block_hashes, table.num_cached_blocks, num_full_blocks, group_
  );
  table.num_cached_blocks = num_full_blocks;
}

void KVCacheGroupManager::uncache_blocks(int request_idx, int num_tokens) {
  BlockTable& table = tables_[request_idx];
  const int num_valid_blocks = num_tokens / block_size_;
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
  int num_common = 0;
  for (int id : block_ids(request_idx)) {
    if (pool_.block(id).ref_count != num_requests) break;
    ++num_common;
  }
  return num_common;
}

void KVCacheGroupManager::count_references(std::vector<int>& ref_counts) const {
  for (const BlockTable& table : tables_) {
    for (int id : table.block_ids)
      ++ref_counts[id];
  }
}

}  // namespace quire
