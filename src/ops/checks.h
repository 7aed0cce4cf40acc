#pragma once

#include <string_view>

#include "base/check.h"
#include "tensor/tensor.h"

// Checks that the public ops share. A failed one is a bug of the caller: InternalError.
namespace quire::ops {

// Two dimensions, elements of a row side by side; rows may be strided.
inline void check_matrix(const Tensor& tensor, std::string_view name, DType dtype) {
  QUIRE_CHECK(
      tensor.dtype() == dtype && tensor.ndim() == 2 &&
          (tensor.stride(1) == 1 || tensor.size(1) == 1),
      "{}: {} {}",
      name,
      dtype_name(tensor.dtype()),
      tensor.shape_string()
  );
}

inline void check_matrix(
    const Tensor& tensor, std::string_view name, DType dtype, int64_t num_rows, int64_t num_columns
) {
  check_matrix(tensor, name, dtype);
  QUIRE_CHECK(
      tensor.size(0) == num_rows && tensor.size(1) == num_columns,
      "{}: {}, not [{}, {}]",
      name,
      tensor.shape_string(),
      num_rows,
      num_columns
  );
}

inline void check_vector(const Tensor& tensor, std::string_view name, DType dtype, int64_t size) {
  QUIRE_CHECK(
      tensor.dtype() == dtype && tensor.ndim() == 1 && tensor.size(0) == size &&
          tensor.is_contiguous(),
      "{}: {} {}, not {} [{}]",
      name,
      dtype_name(tensor.dtype()),
      tensor.shape_string(),
      dtype_name(dtype),
      size
  );
}

inline bool is_weight_dtype(DType dtype) {
  return dtype == DType::kFloat32 || dtype == DType::kBFloat16;
}

}  // namespace quire::ops
