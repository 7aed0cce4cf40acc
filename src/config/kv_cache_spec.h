#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/dtype.h"
#include "base/math.h"

namespace quire {

// What one attention layer keeps per token.
struct KVCacheSpec {
  int block_size = 16;  // tokens
  int num_kv_heads = 0;
  int head_dim = 0;
  DType dtype = DType::kBFloat16;
  // Tokens a query sees, itself included; none: all. Of a group: blocks behind it are given back.
  std::optional<int> sliding_window;

  // Bytes of one block of one layer: keys and values, heads padded to whole vectors.
  int64_t block_bytes() const {
    return 2LL * block_size * num_kv_heads * round_up(head_dim, 16) *
           static_cast<int64_t>(dtype_size(dtype));
  }
  bool operator==(const KVCacheSpec&) const = default;
};

// Most blocks of one layer that a request of num_tokens tokens holds at once, when a step computes
// at most max_num_batched_tokens of them. A window begins anywhere in its first block, and keeps
// what a step under way saw until it is sure that its drafts are not taken back.
// Example: window 1024 and blocks of 16: a step of 1024 tokens sees 2047, in up to 129 blocks.
inline int max_num_blocks(const KVCacheSpec& spec, int num_tokens, int max_num_batched_tokens) {
  constexpr int kMinStepTokens = 32;
  const int all = ceil_div(num_tokens, spec.block_size);
  if (!spec.sliding_window) return all;
  const int64_t seen =
      int64_t{*spec.sliding_window} - 1 + std::max(max_num_batched_tokens, kMinStepTokens);
  return static_cast<int>(std::min<int64_t>(all, ceil_div<int64_t>(seen, spec.block_size) + 1));
}

// Layers that share one block table.
struct KVCacheGroupSpec {
  std::vector<int> layer_indices;
  KVCacheSpec spec;
  // A proposer of this group reads hidden states, which a cache hit does not bring back: the last
  // block that is found is computed again.
  bool drops_last_hit_block = false;
  bool operator==(const KVCacheGroupSpec&) const = default;
};

// The groups share the blocks: one block id stands for a piece of memory in which every layer of
// one group keeps block_size tokens. A block is as large in each group.
struct KVCacheConfig {
  int num_blocks = 0;  // with block 0, the null block
  int num_host_blocks = 0;  // V0's swap space, in host memory
  std::vector<KVCacheGroupSpec> groups;  // at least one
  bool operator==(const KVCacheConfig&) const = default;
};

}  // namespace quire
