#pragma once

#include <cstdint>
#include <set>
#include <unordered_map>

namespace quire::v0 {

// Free blocks whose content is still known, in the order in which they lose it: the least recently
// used first, and of blocks used last at the same time the one that is deepest in its prompt.
class Evictor {
 public:
  int size() const { return static_cast<int>(blocks_.size()); }
  bool contains(int block_id) const { return entries_.contains(block_id); }

  // `num_hashed_tokens`: tokens of the prompt up to the end of the block.
  void add(int block_id, int num_hashed_tokens, int64_t last_accessed);
  void update(int block_id, int64_t last_accessed);
  void remove(int block_id);
  int evict();  // the block id; there must be one

 private:
  struct Entry {
    int64_t last_accessed;
    int num_hashed_tokens;
    int block_id;
    bool operator<(const Entry& other) const;
  };

  std::set<Entry> blocks_;
  std::unordered_map<int, Entry> entries_;
};

}  // namespace quire::v0
