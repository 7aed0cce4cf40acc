#pragma once

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
  std::optional<int> sliding_window;  // tokens a query sees, itself included; none: all

  // Bytes of one block of one layer: keys and values, heads padded to whole vectors.
  int64_t block_bytes() const {
    return 2LL * block_size * num_kv_heads * round_up(head_dim, 16) *
           static_cast<int64_t>(dtype_size(dtype));
  }
  bool operator==(const KVCacheSpec&) const = default;
};

// Layers that share one block table.
struct KVCacheGroupSpec {
  std::vector<int> layer_indices;
  KVCacheSpec spec;
  bool operator==(const KVCacheGroupSpec&) const = default;
};

struct KVCacheConfig {
  int num_blocks = 0;  // with block 0, the null block
  std::vector<KVCacheGroupSpec> groups;  // at least one
  bool operator==(const KVCacheConfig&) const = default;
};

}  // namespace quire
