#include "batch/block_tables.h"

#include <algorithm>

#include "base/check.h"

namespace quire {

BlockTables::BlockTables(int num_groups, int max_num_slots, int max_num_blocks)
    : max_num_slots_(max_num_slots),
      max_num_blocks_(max_num_blocks),
      ids_(Storage::for_tensor(DType::kInt32, {num_groups, max_num_slots, max_num_blocks})),
      counts_(static_cast<size_t>(num_groups) * max_num_slots, 0) {}

void BlockTables::clear(int slot) {
  for (size_t at = slot; at < counts_.size(); at += max_num_slots_) {
    counts_[at] = 0;
  }
}

void BlockTables::append(int slot, int group, std::span<const int> block_ids) {
  const size_t at = static_cast<size_t>(group) * max_num_slots_ + slot;
  const int count = counts_[at] + static_cast<int>(block_ids.size());
  QUIRE_CHECK(count <= max_num_blocks_, "{} blocks, room for {}", count, max_num_blocks_);
  auto* ids = static_cast<int32_t*>(ids_.data()) + at * max_num_blocks_;
  std::copy(block_ids.begin(), block_ids.end(), ids + counts_[at]);
  counts_[at] = count;
}

void BlockTables::replace(int slot, int group, int idx, int block_id) {
  const size_t at = static_cast<size_t>(group) * max_num_slots_ + slot;
  QUIRE_CHECK(idx < counts_[at], "place {} of {} blocks", idx, counts_[at]);
  static_cast<int32_t*>(ids_.data())[at * max_num_blocks_ + idx] = block_id;
}

std::span<const int32_t> BlockTables::row(int slot, int group) const {
  const size_t at = static_cast<size_t>(group) * max_num_slots_ + slot;
  const auto* ids = static_cast<const int32_t*>(ids_.data()) + at * max_num_blocks_;
  return {ids, static_cast<size_t>(counts_[at])};
}

}  // namespace quire
