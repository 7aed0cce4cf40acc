#include "bench/block_replay.h"

#include <algorithm>
#include <ctime>

#include "base/check.h"
#include "base/math.h"
#include "core/block_hash.h"
#include "core/kv_cache_manager.h"

namespace quire::bench {
namespace {

// Of this thread: what else runs on the machine takes no part in it.
double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

int64_t num_blocks_of_all(std::span<const BlockTraceRequest> requests, int block_size) {
  int64_t num_blocks = 0;
  for (const BlockTraceRequest& request : requests)
    num_blocks += ceil_div(request.num_input_tokens, block_size);
  return num_blocks;
}

int longest_prompt(std::span<const BlockTraceRequest> requests) {
  int longest = 1;
  for (const BlockTraceRequest& request : requests)
    longest = std::max(longest, request.num_input_tokens);
  return longest;
}

KVCacheConfig kv_cache_config(int num_blocks, int block_size) {
  return {
      .num_blocks = num_blocks,
      .groups = {
          {.layer_indices = {0},
           .spec = {.block_size = block_size, .num_kv_heads = 1, .head_dim = 16}}}};
}

class Replay {
 public:
  Replay(std::span<const BlockTraceRequest> requests, const ReplayOptions& options)
      : config_{.block_size = options.block_size, .prefix_caching_hash_algo = options.hash_algo},
        hasher_(config_),
        num_blocks_(
            options.num_blocks > 0
                ? options.num_blocks
                : static_cast<int>(num_blocks_of_all(requests, options.block_size)) + 1
        ),
        manager_(
            kv_cache_config(num_blocks_, options.block_size), config_, longest_prompt(requests) + 1
        ) {
    result_.num_blocks = num_blocks_;
    request_.request_idx = 0;
    request_.sampling_params.max_tokens = 1;
  }

  void run(const BlockTraceRequest& traced) {
    make_prompt(traced, request_.token_ids);
    request_.num_prompt_tokens = request_.num_tokens();
    request_.block_hashes.clear();
    ++result_.num_requests;
    result_.num_prompt_tokens += request_.num_tokens();
    result_.num_full_blocks += request_.num_tokens() / config_.block_size;
    if (!manager_.can_ever_fit(request_.num_tokens())) {
      ++result_.num_refused_requests;
      return;
    }
    const double start = cpu_seconds();
    hasher_.update_block_hashes(request_);
    const double hashed = cpu_seconds();
    const int num_hit_blocks = take_and_free_blocks();
    result_.block_seconds += cpu_seconds() - hashed;
    result_.hash_seconds += hashed - start;
    count(num_hit_blocks);
  }

  ReplayResult finish() {
    manager_.check_integrity();
    QUIRE_CHECK(manager_.pool().num_used_blocks() == 0);
    return result_;
  }

 private:
  int take_and_free_blocks() {
    const ComputedBlocks& hits = manager_.computed_blocks(request_);
    const bool has_room = manager_.allocate_slots(
        request_,
        {.num_new_tokens = request_.num_tokens() - hits.num_tokens, .computed_blocks = &hits}
    );
    QUIRE_CHECK(has_room, "{} tokens", request_.num_tokens());
    manager_.free(request_);
    return hits.num_tokens / config_.block_size;
  }

  void count(int num_hit_blocks) {
    const int num_full = request_.num_tokens() / config_.block_size;
    const int num_held = ceil_div(request_.num_tokens(), config_.block_size);
    const int max_hits = (request_.num_tokens() - 1) / config_.block_size;
    const int num_looked_up = std::min(num_hit_blocks + 1, max_hits);
    const int num_taken = num_held;  // touched or handed out
    const int num_cached = num_full - num_hit_blocks;
    result_.num_hit_blocks += num_hit_blocks;
    result_.num_block_operations += num_looked_up + num_taken + num_cached + num_held;
  }

  CacheConfig config_;
  BlockHasher hasher_;
  int num_blocks_;
  KVCacheManager manager_;
  Request request_;
  ReplayResult result_;
};

}  // namespace

ReplayResult replay(std::span<const BlockTraceRequest> requests, const ReplayOptions& options) {
  Replay replay(requests, options);
  for (const BlockTraceRequest& request : requests)
    replay.run(request);
  return replay.finish();
}

double paged_waste(std::span<const BlockTraceRequest> requests, int block_size) {
  int64_t num_slots = 0;
  int64_t num_tokens = 0;
  for (const BlockTraceRequest& request : requests) {
    for (int i = 0; i <= request.num_output_tokens; ++i) {
      num_slots += round_up(request.num_input_tokens + i, block_size);
      num_tokens += request.num_input_tokens + i;
    }
  }
  return num_slots == 0 ? 0.0 : 1.0 - static_cast<double>(num_tokens) / num_slots;
}

double contiguous_waste(std::span<const BlockTraceRequest> requests) {
  int64_t longest = 0;
  for (const BlockTraceRequest& request : requests) {
    longest = std::max<int64_t>(longest, request.num_input_tokens + request.num_output_tokens);
  }
  int64_t num_slots = 0;
  int64_t num_tokens = 0;
  for (const BlockTraceRequest& request : requests) {
    const int64_t num_steps = request.num_output_tokens + 1;
    num_slots += num_steps * longest;
    num_tokens += num_steps * request.num_input_tokens + num_steps * (num_steps - 1) / 2;
  }
  return num_slots == 0 ? 0.0 : 1.0 - static_cast<double>(num_tokens) / num_slots;
}

}  // namespace quire::bench
