#pragma once

#include <cstddef>
#include <optional>

#include "tensor/stream.h"
#include "tensor/tensor.h"

// Attention over a paged KV cache; ops/attention.h says what the functions do.
namespace quire {

// Rotary embedding of one kind of layer.
struct RopeTable {
  Tensor cos_sin;  // [max_position, rotary_dim] float32: cos in the first half, sin in the second
  int rotary_dim = 0;  // <= head_dim; pairs (i, i + rotary_dim / 2)
};

struct AttentionParams {
  int num_heads = 0;
  int num_kv_heads = 0;
  int head_dim = 0;
  float scale = 0.0f;  // applied to q · k
  float logits_softcap = 0.0f;  // cap * tanh(score / cap); 0: off
  std::optional<int> sliding_window;  // tokens a query sees, itself included
  RopeTable rope;
  Tensor q_norm_weight;  // [head_dim] float32, before rope; undefined: none
  Tensor k_norm_weight;
  float qk_norm_eps = 0.0f;
};

// The requests of a step as seen by one KV cache group. Example: queries of 2, 3 and 4 tokens:
// query_start_loc [0, 2, 5, 9]; with 10 computed tokens each: seq_lens [12, 13, 14].
struct PagedBatch {
  int num_reqs = 0;
  int num_tokens = 0;
  int block_size = 0;
  Tensor query_start_loc;  // [num_reqs + 1] int32
  Tensor seq_lens;  // [num_reqs] int32: computed + scheduled tokens
  Tensor positions;  // [num_tokens] int32
  Tensor block_table;  // [num_reqs, max_num_blocks] int32, rows may be strided
  Tensor slot_mapping;  // [num_tokens] int32: block * block_size + offset
};

namespace cpu {
size_t kv_cache_bytes(int num_blocks, int block_size, int num_kv_heads, int head_dim, DType dtype);
void paged_attention(
    const Stream& stream,
    const AttentionParams& params,
    const PagedBatch& batch,
    const Tensor& qkv,
    const Tensor& kv_cache,
    const Tensor& out
);
}  // namespace cpu

namespace cuda {
void paged_attention(
    const Stream& stream,
    const AttentionParams& params,
    const PagedBatch& batch,
    const Tensor& qkv,
    const Tensor& kv_cache,
    const Tensor& out
);
}  // namespace cuda

}  // namespace quire
