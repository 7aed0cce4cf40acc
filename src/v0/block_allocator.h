#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "core/block_hash.h"
#include "v0/evictor.h"

namespace quire::v0 {

// The blocks of one memory, device or host: who holds them, and which of them have known content.
class BlockAllocator {
 public:
  // Hands out the ids [first_block_id, first_block_id + num_blocks).
  BlockAllocator(int first_block_id, int num_blocks);

  int num_blocks() const { return num_blocks_; }
  int num_free_blocks() const { return static_cast<int>(free_.size()) + evictor_.size(); }
  int num_used_blocks() const { return num_blocks_ - num_free_blocks(); }
  double usage() const {
    return num_blocks_ == 0 ? 0.0 : static_cast<double>(num_used_blocks()) / num_blocks_;
  }
  int ref_count(int block_id) const { return block(block_id).ref_count; }

  // A block with one reference: one without content, else the evictor's. One must be free.
  int allocate();
  void add_reference(int block_id);  // also takes a block back from the evictor
  // `now`: when the holder last used it, in steps.
  void free(int block_id, int64_t now);

  // A computed block with this content, free or held.
  std::optional<int> cached_block(const BlockHash& hash) const;
  // Lets a held, full, computed block be found. Nothing happens if this content is known already or
  // the block is.
  void cache(int block_id, const BlockHash& hash, int num_hashed_tokens);
  int num_cached_blocks() const { return static_cast<int>(cached_.size()); }
  [[nodiscard]] bool reset_cache();  // false, and nothing changed, while a block is held

  // Throws InternalError unless every block is held as often as `ref_counts` [block id] says.
  void check_integrity(const std::unordered_map<int, int>& ref_counts) const;

 private:
  struct Block {
    int ref_count = 0;
    int num_hashed_tokens = 0;
    int64_t last_accessed = 0;
    std::optional<BlockHash> hash;
  };
  Block& block(int block_id) { return blocks_.at(block_id - first_block_id_); }
  const Block& block(int block_id) const { return blocks_.at(block_id - first_block_id_); }

  int first_block_id_;
  int num_blocks_;
  std::vector<Block> blocks_;
  std::vector<int> free_;  // without content; the last one is taken first
  Evictor evictor_;  // free, with content
  std::unordered_map<BlockHash, int, BlockHashHasher> cached_;
};

}  // namespace quire::v0
