#pragma once

#include <cstddef>
#include <cstdint>

#include "base/dtype.h"
#include "base/math.h"

// The packed layout that weights and the KV cache share. A panel holds 16 outputs for all k:
//   float32:  [K][16]
//   bfloat16: [K/2][16][2], odd K padded by zeros: a 64-byte line is 16 outputs of k and k + 1
// so that a kernel reads whole cache lines, and sums 16 outputs without a horizontal sum. The
// bfloat16 form is also what matrix units (AMX) want as their second operand.
namespace quire::cpu {

inline constexpr int kPanelWidth = 16;
inline constexpr int kLineBytes = 64;

// Bytes of one panel of depth k.
inline int64_t panel_bytes(DType dtype, int64_t k) {
  return kLineBytes * (dtype == DType::kBFloat16 ? ceil_div<int64_t>(k, 2) : k);
}

// The KV cache is made of groups of 16 tokens of one kv head: first the keys as one panel (outputs:
// tokens, depth: head_dim), then the values as panels of 16 dimensions each (depth: tokens). Blocks
// of block_size / 16 groups: [num_blocks][num_kv_heads][block_size / 16][keys, values]. head_dim is
// padded to a multiple of 16; the padding of a written token is zero.
struct CacheLayout {
  CacheLayout(int block_size, int num_kv_heads, int head_dim, DType dtype)
      : padded_head_dim(round_up(head_dim, kPanelWidth)),
        keys_bytes(
            int64_t{kPanelWidth} * padded_head_dim * static_cast<int64_t>(dtype_size(dtype))
        ),
        head_bytes(2 * keys_bytes * (block_size / kPanelWidth)),
        block_bytes(head_bytes * num_kv_heads) {}

  int padded_head_dim;
  int64_t keys_bytes;  // of one group; as many for its values
  int64_t head_bytes;  // of one kv head in one block
  int64_t block_bytes;
};

}  // namespace quire::cpu
