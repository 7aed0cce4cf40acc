#include "backend/embedding.h"

#include <cstring>

#include "backend/cpu/kernel_table.h"
#include "backend/cpu/parallel.h"

namespace quire::cpu {

void embedding(
    const Stream& stream,
    const Tensor& token_ids,
    const Tensor& table,
    float scale,
    const Tensor& out
) {
  const auto* ids = token_ids.data<int32_t>();
  const int64_t size = out.size(1);
  const KernelTable& kernel = kernels();
  for_each_row(stream, out.size(0), size, [&](int64_t row) {
    float* to = row_of<float>(out, row);
    if (table.dtype() == DType::kBFloat16) {
      kernel.scale_bfloat16(row_of<uint16_t>(table, ids[row]), scale, size, to);
    } else {
      kernel.scale_float32(row_of<float>(table, ids[row]), scale, size, to);
    }
  });
}

void gather_rows(
    const Stream& stream, const Tensor& x, const Tensor& row_indices, const Tensor& out
) {
  const auto* indices = row_indices.data<int32_t>();
  const int64_t size = out.size(1);
  for_each_row(stream, out.size(0), size, [&](int64_t row) {
    std::memcpy(row_of<float>(out, row), row_of<float>(x, indices[row]), size * sizeof(float));
  });
}

}  // namespace quire::cpu
