#pragma once

#include "tensor/stream.h"
#include "tensor/tensor.h"

namespace quire::ops {

// out[i] = table[token_ids[i]] * scale. token_ids [M] int32 in [0, vocab); table [vocab, K] float32
// or bfloat16; out [M, K] float32.
void embedding(
    const Stream& stream,
    const Tensor& token_ids,
    const Tensor& table,
    float scale,
    const Tensor& out
);

// out[i] = x[row_indices[i]]. row_indices [R] int32; x [M, K], out [R, K] float32.
void gather_rows(
    const Stream& stream, const Tensor& x, const Tensor& row_indices, const Tensor& out
);

}  // namespace quire::ops
