#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/block_hash.h"

// What happens to the content of the KV cache, for those who route requests to where their prefix
// is cached.
namespace quire {

// Consecutive blocks of a request can be found from now on.
struct BlockStored {
  std::vector<BlockHash> block_hashes;
  std::optional<BlockHash> parent_block_hash;  // of the block before; none: first, or out of window
  std::vector<int32_t> token_ids;  // of these blocks
  int block_size = 0;  // tokens
  int group = 0;
  std::optional<int> sliding_window;  // of the group; none: full attention
  std::string cache_salt;  // extra key of the first block of a request; else empty
  bool operator==(const BlockStored&) const = default;
};

struct BlockRemoved {
  BlockHash block_hash;
  int group = 0;
  bool operator==(const BlockRemoved&) const = default;
};

struct AllBlocksCleared {
  bool operator==(const AllBlocksCleared&) const = default;
};

using KVCacheEvent = std::variant<BlockStored, BlockRemoved, AllBlocksCleared>;

// In the order in which they happened, since they were last taken.
class KVCacheEvents {
 public:
  template <class Event>
  void add(Event event) {
    events_.emplace_back(std::move(event));
  }
  std::vector<KVCacheEvent> take() { return std::exchange(events_, {}); }

 private:
  std::vector<KVCacheEvent> events_;
};

}  // namespace quire
