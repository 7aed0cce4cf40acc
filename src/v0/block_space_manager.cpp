#include "v0/block_space_manager.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "base/check.h"
#include "base/math.h"

namespace quire::v0 {

BlockSpaceManager::BlockSpaceManager(const BlockSpaceConfig& config)
    : config_(config), device_(1, config.num_device_blocks), host_(0, config.num_host_blocks) {}

BlockSpaceManager::BlockTable& BlockSpaceManager::table(const Request& request) {
  const size_t idx = static_cast<size_t>(request.request_idx);
  if (idx >= tables_.size()) tables_.resize(idx + 1);
  return tables_[idx];
}

const BlockSpaceManager::BlockTable* BlockSpaceManager::find_table(const Request& request) const {
  const size_t idx = static_cast<size_t>(request.request_idx);
  return idx < tables_.size() ? &tables_[idx] : nullptr;
}

int BlockSpaceManager::watermark_blocks() const {
  return static_cast<int>(config_.watermark * device_.num_blocks());
}

AllocStatus BlockSpaceManager::can_allocate(int num_tokens) const {
  const int num_required = ceil_div(num_tokens, config_.block_size);
  if (device_.num_blocks() - num_required < watermark_blocks()) return AllocStatus::kNever;
  if (device_.num_free_blocks() - num_required < watermark_blocks()) return AllocStatus::kLater;
  return AllocStatus::kOk;
}

CachedPrefix BlockSpaceManager::cached_prefix(const Request& request) const {
  if (!config_.enable_caching || request.skips_reading_prefix_cache()) return {};
  int num_blocks = 0;
  int num_evictable = 0;
  for (const BlockHash& hash : request.block_hashes) {
    const std::optional<int> block_id = device_.cached_block(hash);
    if (!block_id) break;
    ++num_blocks;
    num_evictable += device_.ref_count(*block_id) == 0;
  }
  const int num_tokens = num_blocks * config_.block_size;
  if (num_tokens < request.num_tokens()) return {num_tokens, num_blocks};
  // All of it is cached: the last token is computed again, in a copy of its block.
  if (device_.num_free_blocks() > num_evictable) return {request.num_tokens() - 1, num_blocks};
  return {num_tokens - config_.block_size, num_blocks - 1};
}

void BlockSpaceManager::allocate(
    const Request& request, const CachedPrefix& prefix, std::vector<BlockCopy>& copies
) {
  BlockTable& table = this->table(request);
  QUIRE_CHECK(table.block_ids.empty(), "request {} has a table already", request.id);
  table.last_accessed = now_;
  for (int i = 0; i < prefix.num_blocks; ++i) {
    const int block_id = device_.cached_block(request.block_hashes[i]).value();
    device_.add_reference(block_id);
    table.block_ids.push_back(block_id);
  }
  table.num_cached_blocks = prefix.num_tokens / config_.block_size;
  if (table.num_cached_blocks < prefix.num_blocks) {
    copy_on_write(table, prefix.num_blocks - 1, copies);
  }
  const size_t num_required = ceil_div(request.num_tokens(), config_.block_size);
  while (table.block_ids.size() < num_required)
    table.block_ids.push_back(device_.allocate());
}

int BlockSpaceManager::num_blocks_to_append(Requests requests) const {
  int num_blocks = 0;
  std::unordered_map<int, int> num_left;  // references of a shared block that are not copied away
  for (const Request* request : requests) {
    const BlockTable& table = *find_table(*request);
    const size_t idx = request->num_computed_tokens / config_.block_size;
    if (idx == table.block_ids.size()) {
      ++num_blocks;
      continue;
    }
    const int block_id = table.block_ids.at(idx);
    const int ref_count = (table.is_on_host ? host_ : device_).ref_count(block_id);
    if (ref_count == 1) continue;
    int& left = num_left.try_emplace(block_id, ref_count).first->second;
    if (left == 1) continue;
    --left;
    ++num_blocks;
  }
  return num_blocks;
}

bool BlockSpaceManager::can_append_slots(Requests requests) const {
  return num_blocks_to_append(requests) <= device_.num_free_blocks();
}

void BlockSpaceManager::append_slots(Requests requests, std::vector<BlockCopy>& copies) {
  for (const Request* request : requests) {
    BlockTable& table = this->table(*request);
    const int idx = request->num_computed_tokens / config_.block_size;
    if (idx == static_cast<int>(table.block_ids.size())) {
      table.block_ids.push_back(device_.allocate());
      ++table.num_new_blocks;
    } else if (device_.ref_count(table.block_ids.at(idx)) > 1) {
      copy_on_write(table, idx, copies);
      table.replaced_idx = idx;
    }
  }
}

// Copies run in the order of the list, before the step: the source may be handed out right after.
void BlockSpaceManager::copy_on_write(BlockTable& table, int idx, std::vector<BlockCopy>& copies) {
  const int source = table.block_ids[idx];
  const int target = device_.allocate();
  table.block_ids[idx] = target;
  device_.free(source, now_);
  copies.push_back({BlockSpace::kDevice, BlockSpace::kDevice, source, target});
}

void BlockSpaceManager::fork(const Request& parent, const Request& child) {
  table(child);  // may move the tables
  const BlockTable& from = table(parent);
  BlockTable& to = table(child);
  QUIRE_CHECK(to.block_ids.empty(), "request {} has a table already", child.id);
  for (int block_id : from.block_ids)
    device_.add_reference(block_id);
  to = from;
  to.num_new_blocks = 0;
  to.replaced_idx.reset();
}

int BlockSpaceManager::num_distinct_blocks(Requests requests) const {
  std::unordered_set<int> block_ids;
  for (const Request* request : requests) {
    const std::span<const int> ids = this->block_ids(*request);
    block_ids.insert(ids.begin(), ids.end());
  }
  return static_cast<int>(block_ids.size());
}

bool BlockSpaceManager::can_swap_out(Requests requests) const {
  return num_distinct_blocks(requests) <= host_.num_free_blocks();
}

AllocStatus BlockSpaceManager::can_swap_in(Requests requests) const {
  const int num_required = num_distinct_blocks(requests) + num_blocks_to_append(requests);
  const int num_free = device_.num_free_blocks();
  if (num_required > device_.num_blocks()) return AllocStatus::kNever;
  const bool is_idle = num_free == device_.num_blocks();  // nobody will free more
  if (is_idle || num_free - num_required >= watermark_blocks()) return AllocStatus::kOk;
  return AllocStatus::kLater;
}

void BlockSpaceManager::swap_out(Requests requests, std::vector<BlockCopy>& copies) {
  swap(requests, true, copies);
}

void BlockSpaceManager::swap_in(Requests requests, std::vector<BlockCopy>& copies) {
  swap(requests, false, copies);
}

void BlockSpaceManager::swap(Requests requests, bool to_host, std::vector<BlockCopy>& copies) {
  BlockAllocator& source = to_host ? device_ : host_;
  BlockAllocator& target = to_host ? host_ : device_;
  std::unordered_map<int, int> target_of;
  for (const Request* request : requests) {
    BlockTable& table = this->table(*request);
    QUIRE_CHECK(table.is_on_host != to_host, "request {} is there already", request->id);
    for (int& block_id : table.block_ids) {
      const auto [place, is_first] = target_of.try_emplace(block_id, -1);
      if (is_first) {
        place->second = target.allocate();
        const auto from = to_host ? BlockSpace::kDevice : BlockSpace::kHost;
        const auto to = to_host ? BlockSpace::kHost : BlockSpace::kDevice;
        copies.push_back({from, to, block_id, place->second});
      } else {
        target.add_reference(place->second);
      }
      source.free(block_id, table.last_accessed);
      block_id = place->second;
    }
    table.is_on_host = to_host;
    table.num_cached_blocks = 0;
    table.num_new_blocks = 0;
    table.replaced_idx.reset();
  }
}

void BlockSpaceManager::mark_computed(const Request& request) {
  BlockTable& table = this->table(request);
  table.last_accessed = now_;
  if (!config_.enable_caching) return;
  const int num_full_blocks = request.num_computed_tokens / config_.block_size;
  for (int i = table.num_cached_blocks; i < num_full_blocks; ++i) {
    const int num_hashed_tokens = (i + 1) * config_.block_size;
    device_.cache(table.block_ids.at(i), request.block_hashes.at(i), num_hashed_tokens);
  }
  table.num_cached_blocks = std::max(table.num_cached_blocks, num_full_blocks);
}

void BlockSpaceManager::free(const Request& request) {
  BlockTable& table = this->table(request);
  BlockAllocator& allocator = table.is_on_host ? host_ : device_;
  for (size_t i = table.block_ids.size(); i-- > 0;)
    allocator.free(table.block_ids[i], table.last_accessed);
  table = {};
}

bool BlockSpaceManager::reset_prefix_cache() {
  return host_.num_used_blocks() == 0 && device_.reset_cache();
}

void BlockSpaceManager::record_prefix_cache_query(const Request& request, int num_hit_tokens) {
  if (!config_.enable_caching || request.skips_reading_prefix_cache()) return;
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

PrefixCacheStats BlockSpaceManager::take_prefix_cache_stats() {
  return std::exchange(prefix_cache_stats_, PrefixCacheStats());
}

std::span<const int> BlockSpaceManager::block_ids(const Request& request) const {
  const BlockTable* table = find_table(request);
  return table ? std::span<const int>(table->block_ids) : std::span<const int>();
}

std::span<const int> BlockSpaceManager::new_block_ids(const Request& request) const {
  const BlockTable* table = find_table(request);
  return table ? block_ids(request).last(table->num_new_blocks) : std::span<const int>();
}

std::optional<int> BlockSpaceManager::replaced_idx(const Request& request) const {
  const BlockTable* table = find_table(request);
  return table ? table->replaced_idx : std::nullopt;
}

void BlockSpaceManager::clear_changes(const Request& request) {
  BlockTable& table = this->table(request);
  table.num_new_blocks = 0;
  table.replaced_idx.reset();
}

void BlockSpaceManager::check_integrity() const {
  std::unordered_map<int, int> num_on_device;
  std::unordered_map<int, int> num_on_host;
  for (const BlockTable& table : tables_) {
    for (int block_id : table.block_ids)
      ++(table.is_on_host ? num_on_host : num_on_device)[block_id];
  }
  device_.check_integrity(num_on_device);
  host_.check_integrity(num_on_host);
}

}  // namespace quire::v0
