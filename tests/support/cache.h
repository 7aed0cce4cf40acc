#pragma once

#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "core/kv_cache_manager.h"
#include "support/scheduler_factory.h"

namespace quire::test {

inline std::vector<int> to_vector(std::span<const int> ids) {
  return {ids.begin(), ids.end()};
}

inline std::vector<int32_t> concat(std::vector<int32_t> ids, const std::vector<int32_t>& more) {
  ids.insert(ids.end(), more.begin(), more.end());
  return ids;
}

// Full blocks that many prompts share: tokens 0, 1, 2, … each repeated for a block.
inline std::vector<int32_t> common_prefix(int num_blocks = 3, int block_size = 16) {
  std::vector<int32_t> ids;
  for (int32_t id = 0; id < num_blocks; ++id)
    ids.insert(ids.end(), block_size, id);
  return ids;
}

// A manager, and the requests of a test, which take their prompts' blocks as the scheduler would.
struct Cache {
  KVCacheManager manager;
  BlockHasher hasher;
  RequestId next_id = 0;

  explicit Cache(SchedulerOptions options = {}, int num_blocks = 11)
      : Cache(make_kv_cache_config(with_blocks(options, num_blocks)), make_cache_config(options)) {}
  Cache(
      const KVCacheConfig& config,
      const CacheConfig& cache_config,
      int max_model_len = 8192,
      std::optional<int> max_num_batched_tokens = std::nullopt
  )
      : manager(config, cache_config, max_model_len, max_num_batched_tokens),
        hasher(cache_config) {}
  ~Cache() { EXPECT_NO_THROW(manager.check_integrity()); }

  static SchedulerOptions with_blocks(SchedulerOptions options, int num_blocks) {
    options.num_blocks = num_blocks;
    return options;
  }
  std::unique_ptr<Request> make(std::vector<int32_t> prompt, RequestOptions options = {}) {
    options.id = next_id++;
    options.prompt = std::move(prompt);
    std::unique_ptr<Request> request = create_request(options);
    hasher.update_block_hashes(*request);
    return request;
  }
  std::vector<int> hits(const Request& request, int group = 0) {
    return manager.computed_blocks(request).block_ids[group];
  }
  bool admit(Request& request) { return admit(request, request.num_tokens()); }
  // Computes its first num_tokens tokens.
  bool admit(Request& request, int num_tokens) {
    const ComputedBlocks& hits = manager.computed_blocks(request);
    const bool is_admitted = manager.allocate_slots(
        request, {.num_new_tokens = num_tokens - hits.num_tokens, .computed_blocks = &hits}
    );
    if (is_admitted) request.num_computed_tokens = num_tokens;
    return is_admitted;
  }
  // Computes tokens that it has already.
  bool compute(Request& request, int num_tokens) {
    const bool has_room = manager.allocate_slots(request, {.num_new_tokens = num_tokens});
    if (has_room) request.num_computed_tokens += num_tokens;
    return has_room;
  }
  bool extend(Request& request, int num_tokens) {
    for (int i = 0; i < num_tokens; ++i)
      request.token_ids.push_back(8);
    hasher.update_block_hashes(request);
    const bool has_room = manager.allocate_slots(request, {.num_new_tokens = num_tokens});
    if (has_room) request.num_computed_tokens += num_tokens;
    return has_room;
  }
  std::vector<int> blocks(const Request& request, int group = 0) {
    return to_vector(manager.block_ids(request, group));
  }
  std::vector<int> new_blocks(const Request& request, int group = 0) {
    return to_vector(manager.new_block_ids(request, group));
  }
  const KVCacheBlock& block(int id) { return manager.pool().block(id); }
  // As if its memory had been handed out again: which block goes first is hard to arrange.
  void forget(int block_id) { const_cast<BlockPool&>(manager.pool()).uncache(block_id); }
};

}  // namespace quire::test
