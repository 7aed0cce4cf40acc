#pragma once

#include "tensor/stream.h"
#include "tensor/tensor.h"

// See ops/norm.h.
namespace quire {

namespace cpu {
void rms_norm(
    const Stream& stream, const Tensor& x, const Tensor& weight, float eps, const Tensor& out
);
void rms_norm_add(
    const Stream& stream, const Tensor& x, const Tensor& weight, float eps, const Tensor& residual
);
}  // namespace cpu

namespace cuda {
void rms_norm(
    const Stream& stream, const Tensor& x, const Tensor& weight, float eps, const Tensor& out
);
void rms_norm_add(
    const Stream& stream, const Tensor& x, const Tensor& weight, float eps, const Tensor& residual
);
}  // namespace cuda

}  // namespace quire
