#include "backend/norm.h"

#include "backend/cpu/kernel_table.h"
#include "backend/cpu/parallel.h"

namespace quire::cpu {

void rms_norm(
    const Stream& stream, const Tensor& x, const Tensor& weight, float eps, const Tensor& out
) {
  const auto kernel = kernels().rms_norm;
  for_each_row(stream, x.size(0), x.size(1), [&](int64_t row) {
    kernel(row_of<float>(x, row), weight.data<float>(), eps, x.size(1), row_of<float>(out, row));
  });
}

void rms_norm_add(
    const Stream& stream, const Tensor& x, const Tensor& weight, float eps, const Tensor& residual
) {
  const auto kernel = kernels().rms_norm_add;
  for_each_row(stream, x.size(0), x.size(1), [&](int64_t row) {
    float* out = row_of<float>(residual, row);
    kernel(row_of<float>(x, row), weight.data<float>(), eps, x.size(1), out);
  });
}

}  // namespace quire::cpu
