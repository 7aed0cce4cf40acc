#pragma once

#include "tensor/stream.h"
#include "tensor/tensor.h"

// See ops/embedding.h.
namespace quire {

namespace cpu {
void embedding(
    const Stream& stream,
    const Tensor& token_ids,
    const Tensor& table,
    float scale,
    const Tensor& out
);
void gather_rows(
    const Stream& stream, const Tensor& x, const Tensor& row_indices, const Tensor& out
);
}  // namespace cpu

namespace cuda {
void embedding(
    const Stream& stream,
    const Tensor& token_ids,
    const Tensor& table,
    float scale,
    const Tensor& out
);
void gather_rows(
    const Stream& stream, const Tensor& x, const Tensor& row_indices, const Tensor& out
);
}  // namespace cuda

}  // namespace quire
