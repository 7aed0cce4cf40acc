#pragma once

#include <span>

#include "backend/linear.h"

// A back end fuses what it can of prologue, product and epilogue; the result is the same.
namespace quire::ops {

// Packs the rows of `parts` [N_i, K] (float32, bfloat16 or float16, contiguous) one after the other
// into one weight [sum N_i, K] of `dtype` (float32 or bfloat16).
PackedWeight pack_linear(std::span<const Tensor> parts, DType dtype, const Stream& stream);

// x [M, K] float32 (rows may be strided; [M, 2K] for the gated prologues), out [M, N] float32 (rows
// may be strided), not overlapping x. Each output is one sum in the order of k, so a row's result
// does not depend on M or on threads. Bias, softcap and accumulate follow in this order.
void linear(
    const Stream& stream,
    const Tensor& x,
    const PackedWeight& weight,
    const LinearOptions& options,
    const Tensor& out
);

}  // namespace quire::ops
