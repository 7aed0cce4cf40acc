#include "ops/norm.h"

#include "backend/dispatch.h"
#include "backend/norm.h"
#include "ops/checks.h"

namespace quire::ops {

void rms_norm(
    const Stream& stream, const Tensor& x, const Tensor& weight, float eps, const Tensor& out
) {
  check_matrix(x, "x", DType::kFloat32);
  check_matrix(out, "out", DType::kFloat32, x.size(0), x.size(1));
  check_vector(weight, "weight", DType::kFloat32, x.size(1));
  dispatch(stream, cpu::rms_norm, cuda::rms_norm, x, weight, eps, out);
}

void rms_norm_add(
    const Stream& stream, const Tensor& x, const Tensor& weight, float eps, const Tensor& residual
) {
  check_matrix(x, "x", DType::kFloat32);
  check_matrix(residual, "residual", DType::kFloat32, x.size(0), x.size(1));
  check_vector(weight, "weight", DType::kFloat32, x.size(1));
  dispatch(stream, cpu::rms_norm_add, cuda::rms_norm_add, x, weight, eps, residual);
}

}  // namespace quire::ops
