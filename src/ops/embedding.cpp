#include "ops/embedding.h"

#include "backend/dispatch.h"
#include "backend/embedding.h"
#include "ops/checks.h"

namespace quire::ops {

void embedding(
    const Stream& stream,
    const Tensor& token_ids,
    const Tensor& table,
    float scale,
    const Tensor& out
) {
  QUIRE_CHECK(is_weight_dtype(table.dtype()), "table: {}", dtype_name(table.dtype()));
  check_matrix(table, "table", table.dtype());
  check_matrix(out, "out", DType::kFloat32, token_ids.num_elements(), table.size(1));
  check_vector(token_ids, "token_ids", DType::kInt32, out.size(0));
  dispatch(stream, cpu::embedding, cuda::embedding, token_ids, table, scale, out);
}

void gather_rows(
    const Stream& stream, const Tensor& x, const Tensor& row_indices, const Tensor& out
) {
  check_matrix(x, "x", DType::kFloat32);
  check_matrix(out, "out", DType::kFloat32, row_indices.num_elements(), x.size(1));
  check_vector(row_indices, "row_indices", DType::kInt32, out.size(0));
  dispatch(stream, cpu::gather_rows, cuda::gather_rows, x, row_indices, out);
}

}  // namespace quire::ops
