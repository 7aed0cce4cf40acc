#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "tensor/storage.h"

namespace quire {

// The blocks of every live request, one table per KV cache group; a row per slot, in the order of
// the tokens. Sized once; memory is taken as rows fill.
class BlockTables {
 public:
  BlockTables(int num_groups, int max_num_slots, int max_num_blocks);

  int max_num_blocks() const { return max_num_blocks_; }
  void clear(int slot);
  void append(int slot, int group, std::span<const int> block_ids);
  void replace(int slot, int group, int idx, int block_id);
  std::span<const int32_t> row(int slot, int group) const;

 private:
  int max_num_slots_;
  int max_num_blocks_;
  Storage ids_;  // [num_groups, max_num_slots, max_num_blocks] int32
  std::vector<int> counts_;  // [num_groups, max_num_slots]
};

}  // namespace quire
