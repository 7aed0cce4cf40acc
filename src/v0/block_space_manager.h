#pragma once

#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "core/request.h"
#include "core/scheduler_output.h"
#include "core/stats.h"
#include "v0/block_allocator.h"

namespace quire::v0 {

enum class AllocStatus : uint8_t {
  kOk,
  kLater,  // when others have freed blocks
  kNever,  // not even in an empty cache
};

struct BlockSpaceConfig {
  int block_size = 16;
  int num_device_blocks = 0;  // without the null block; their ids begin at 1
  int num_host_blocks = 0;  // swap space; ids begin at 0
  double watermark = 0.01;  // share of the device blocks that admissions leave free
  bool enable_caching = false;
};

// A computed prefix that a request shares when it is admitted.
struct CachedPrefix {
  int num_tokens = 0;  // at most all but one: the last is computed for its logits
  // With num_tokens inside the last of these blocks, that block is copied before it is written.
  int num_blocks = 0;
};

// The block tables of all requests, on the device or swapped out to the host. Requests of one group
// share the blocks of their prompt until one writes into them. Knows requests by request_idx.
class BlockSpaceManager {
 public:
  using Requests = std::span<Request* const>;

  explicit BlockSpaceManager(const BlockSpaceConfig& config);

  int block_size() const { return config_.block_size; }
  const BlockAllocator& device() const { return device_; }
  const BlockAllocator& host() const { return host_; }

  // Time, for the order of eviction, counts steps.
  void begin_step() { ++now_; }

  // Whether a prompt may be admitted. Does not count on cached blocks.
  AllocStatus can_allocate(int num_tokens) const;
  // Longest prefix of whole computed blocks. Wants block hashes that are up to date.
  CachedPrefix cached_prefix(const Request& request) const;
  // Gives a request that has no table blocks for all its tokens.
  void allocate(const Request& request, const CachedPrefix& prefix, std::vector<BlockCopy>& copies);

  // Room for the token at num_computed_tokens of each: a new block behind a full one, a copy of a
  // shared one.
  bool can_append_slots(Requests requests) const;
  void append_slots(Requests requests, std::vector<BlockCopy>& copies);

  // The child, which has no table, shares all blocks of the parent.
  void fork(const Request& parent, const Request& child);

  // Of a whole group, which keeps what it shares. Swapping in leaves room for append_slots().
  bool can_swap_out(Requests requests) const;
  void swap_out(Requests requests, std::vector<BlockCopy>& copies);
  AllocStatus can_swap_in(Requests requests) const;
  void swap_in(Requests requests, std::vector<BlockCopy>& copies);

  // A step has computed the request's tokens up to num_computed_tokens: full blocks of them can be
  // found from now on.
  void mark_computed(const Request& request);

  void free(const Request& request);
  [[nodiscard]] bool reset_prefix_cache();

  // Counts a lookup that led to an admission.
  void record_prefix_cache_query(const Request& request, int num_hit_tokens);
  PrefixCacheStats take_prefix_cache_stats();  // since the last call

  std::span<const int> block_ids(const Request& request) const;
  // What append_slots() changed since the last clear_changes(): blocks at the end, and the place of
  // one that is another now.
  std::span<const int> new_block_ids(const Request& request) const;
  std::optional<int> replaced_idx(const Request& request) const;
  void clear_changes(const Request& request);

  // Throws InternalError if tables and allocators disagree. Walks everything.
  void check_integrity() const;

 private:
  struct BlockTable {
    std::vector<int> block_ids;
    bool is_on_host = false;
    int num_cached_blocks = 0;  // the first ones: nothing to cache in them
    int num_new_blocks = 0;
    std::optional<int> replaced_idx;
    int64_t last_accessed = 0;
  };

  BlockTable& table(const Request& request);  // makes room for it
  const BlockTable* find_table(const Request& request) const;  // nullptr: holds nothing
  int watermark_blocks() const;
  int num_distinct_blocks(Requests requests) const;
  int num_blocks_to_append(Requests requests) const;
  void copy_on_write(BlockTable& table, int idx, std::vector<BlockCopy>& copies);
  void swap(Requests requests, bool to_host, std::vector<BlockCopy>& copies);

  BlockSpaceConfig config_;
  BlockAllocator device_;
  BlockAllocator host_;
  std::vector<BlockTable> tables_;  // [request_idx], empty for those that hold nothing
  int64_t now_ = 0;
  PrefixCacheStats prefix_cache_stats_;
};

}  // namespace quire::v0
