#pragma once

#include "backend/attention.h"

// Attention over a paged KV cache, with rope and the cache write in the same call.
namespace quire::ops {

// Bytes of one layer's cache of num_blocks blocks on the CPU. The inner layout belongs to the back
// end, but a block is always one contiguous piece: cache bytes / num_blocks, at block id times
// that.
size_t kv_cache_bytes(int num_blocks, int block_size, int num_kv_heads, int head_dim, DType dtype);

// qkv [num_tokens, (num_heads + 2 * num_kv_heads) * head_dim] float32: overwritten by the rotated
// values. kv_cache: kv_cache_bytes() of float32 or bfloat16, contiguous. out [num_tokens, num_heads
// * head_dim] float32. Steps: norm of q and k, rope, write k and v to slot_mapping, then attend
// causally: token at position p sees keys of positions (p - sliding_window, p].
//
// Blocks that lie outside the window of every query are not read, and neither are slots at or
// beyond seq_len. A row's result does not depend on the other rows of the batch. On the CPU
// block_size is a multiple of 16 and head_dim is even.
void paged_attention(
    const Stream& stream,
    const AttentionParams& params,
    const PagedBatch& batch,
    const Tensor& qkv,
    const Tensor& kv_cache,
    const Tensor& out
);

}  // namespace quire::ops
