#include "ops/linear.h"

#include "backend/dispatch.h"
#include "ops/checks.h"

namespace quire::ops {
namespace {

bool is_gated(LinearPrologue prologue) {
  return prologue == LinearPrologue::kSiluMul || prologue == LinearPrologue::kGeluTanhMul;
}

void check_part(const Tensor& part, int64_t in_features) {
  QUIRE_CHECK(
      part.dtype() == DType::kFloat16 || is_weight_dtype(part.dtype()),
      "part: {}",
      dtype_name(part.dtype())
  );
  check_matrix(part, "part", part.dtype(), part.size(0), in_features);
  QUIRE_CHECK(part.is_contiguous());
}

}  // namespace

PackedWeight pack_linear(std::span<const Tensor> parts, DType dtype, const Stream& stream) {
  QUIRE_CHECK(!parts.empty() && is_weight_dtype(dtype), "{}", dtype_name(dtype));
  for (const Tensor& part : parts) {
    check_part(part, parts.front().size(1));
  }
  return dispatch(stream, cpu::pack_linear, cuda::pack_linear, parts, dtype);
}

void linear(
    const Stream& stream,
    const Tensor& x,
    const PackedWeight& weight,
    const LinearOptions& options,
    const Tensor& out
) {
  const int64_t width = (is_gated(options.prologue) ? 2 : 1) * weight.in_features;
  check_matrix(x, "x", DType::kFloat32, x.size(0), width);
  check_matrix(out, "out", DType::kFloat32, x.size(0), weight.out_features);
  if (options.prologue == LinearPrologue::kRmsNorm) {
    check_vector(options.norm_weight, "norm_weight", DType::kFloat32, weight.in_features);
  }
  if (options.bias.defined()) {
    check_vector(options.bias, "bias", DType::kFloat32, weight.out_features);
  }
  dispatch(stream, cpu::linear, cuda::linear, x, weight, options, out);
}

}  // namespace quire::ops
