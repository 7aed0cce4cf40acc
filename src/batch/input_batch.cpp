#include "batch/input_batch.h"

#include <algorithm>

#include "base/check.h"

namespace quire {

InputBatch::InputBatch(int num_groups, int max_num_reqs, int max_num_tokens, int max_num_blocks)
    : num_groups_(num_groups),
      max_num_reqs_(max_num_reqs),
      max_num_tokens_(max_num_tokens),
      max_num_blocks_(max_num_blocks),
      token_ids_(Storage::for_tensor(DType::kInt32, {max_num_tokens})),
      positions_(Storage::for_tensor(DType::kInt32, {max_num_tokens})),
      query_start_loc_(Storage::for_tensor(DType::kInt32, {max_num_reqs + 1})),
      seq_lens_(Storage::for_tensor(DType::kInt32, {max_num_reqs})),
      block_tables_(Storage::for_tensor(DType::kInt32, {num_groups, max_num_reqs, max_num_blocks})),
      slot_mappings_(Storage::for_tensor(DType::kInt32, {num_groups, max_num_tokens})) {}

void InputBatch::build(
    std::span<const BatchEntry> entries, const BlockTables& tables, std::span<const int> block_sizes
) {
  while (!entries.empty() && entries.back().fork_of)
    entries = entries.first(entries.size() - 1);
  num_reqs_ = static_cast<int>(entries.size());
  QUIRE_CHECK(num_reqs_ <= max_num_reqs_, "{} requests, room for {}", num_reqs_, max_num_reqs_);
  int32_t* const starts = ints(query_start_loc_);
  int at = 0;
  for (int r = 0; r < num_reqs_; ++r) {
    const BatchEntry& entry = entries[r];
    const int end = entry.num_computed_tokens + entry.num_scheduled_tokens;
    QUIRE_CHECK(
        at + entry.num_scheduled_tokens <= max_num_tokens_ &&
            end <= static_cast<int>(entry.token_ids.size()),
        "request {} of the batch: tokens up to {} of {}",
        r,
        end,
        entry.token_ids.size()
    );
    starts[r] = at;
    ints(seq_lens_)[r] = end;
    for (int position = entry.num_computed_tokens; position < end; ++position, ++at) {
      ints(token_ids_)[at] = entry.token_ids[position];
      ints(positions_)[at] = position;
    }
  }
  starts[num_reqs_] = at;
  num_tokens_ = at;
  for (int group = 0; group < num_groups_; ++group) {
    build_group(group, block_sizes[group], entries, tables);
  }
}

void InputBatch::build_group(
    int group, int block_size, std::span<const BatchEntry> entries, const BlockTables& tables
) {
  int32_t* table =
      ints(block_tables_) + static_cast<size_t>(group) * max_num_reqs_ * max_num_blocks_;
  int32_t* slots = ints(slot_mappings_) + static_cast<size_t>(group) * max_num_tokens_;
  for (const BatchEntry& entry : entries) {
    const auto row = tables.row(entry.slot, group);
    std::copy(row.begin(), row.end(), table);
    const int end = entry.num_computed_tokens + entry.num_scheduled_tokens;
    QUIRE_CHECK(
        static_cast<int64_t>(row.size()) * block_size >= end,
        "{} blocks of {} for {} tokens",
        row.size(),
        block_size,
        end
    );
    for (int position = entry.num_computed_tokens; position < end; ++position) {
      *slots++ = row[position / block_size] * block_size + position % block_size;
    }
    table += max_num_blocks_;
  }
}

Tensor InputBatch::block_table(int group) const {
  const size_t at = static_cast<size_t>(group) * max_num_reqs_ * max_num_blocks_;
  return Tensor(ints(block_tables_) + at, DType::kInt32, {num_reqs_, max_num_blocks_});
}

Tensor InputBatch::slot_mapping(int group) const {
  const size_t at = static_cast<size_t>(group) * max_num_tokens_;
  return Tensor(ints(slot_mappings_) + at, DType::kInt32, {num_tokens_});
}

}  // namespace quire
