#pragma once

#include "tensor/stream.h"
#include "tensor/tensor.h"

namespace quire::ops {

// out = x / sqrt(mean(x²) + eps) * weight. x, out [M, K] float32, weight [K] float32; out may be x.
void rms_norm(
    const Stream& stream, const Tensor& x, const Tensor& weight, float eps, const Tensor& out
);

// residual += rms_norm(x): the sandwich norm of Gemma. x, residual [M, K] float32.
void rms_norm_add(
    const Stream& stream, const Tensor& x, const Tensor& weight, float eps, const Tensor& residual
);

}  // namespace quire::ops
