#include "tensor/tensor.h"

#include <algorithm>

namespace quire {

Tensor::Tensor(void* data, DType dtype, std::initializer_list<int64_t> shape, Device device)
    : data_(data), dtype_(dtype), device_(device), ndim_(static_cast<int>(shape.size())) {
  QUIRE_CHECK(shape.size() <= shape_.size(), "{} dimensions", shape.size());
  std::copy(shape.begin(), shape.end(), shape_.begin());
  int64_t stride = 1;
  for (int dim = ndim_ - 1; dim >= 0; --dim) {
    QUIRE_CHECK(shape_[dim] >= 0, "{}", shape_string());
    strides_[dim] = stride;
    stride *= shape_[dim];
  }
}

int64_t Tensor::num_elements() const {
  if (ndim_ == 0) return 0;
  int64_t count = 1;
  for (int dim = 0; dim < ndim_; ++dim) {
    count *= shape_[dim];
  }
  return count;
}

bool Tensor::is_contiguous() const {
  int64_t stride = 1;
  for (int dim = ndim_ - 1; dim >= 0; --dim) {
    if (shape_[dim] != 1 && strides_[dim] != stride) return num_elements() == 0;
    stride *= shape_[dim];
  }
  return true;
}

Tensor Tensor::rows(int64_t start, int64_t count) const {
  QUIRE_CHECK(
      ndim_ >= 1 && start >= 0 && count >= 0 && start + count <= shape_[0],
      "rows {} + {} of {}",
      start,
      count,
      shape_string()
  );
  Tensor result = *this;
  const auto offset = start * strides_[0] * static_cast<int64_t>(dtype_size(dtype_));
  if (data_ != nullptr) result.data_ = static_cast<std::byte*>(data_) + offset;
  result.shape_[0] = count;
  return result;
}

Tensor Tensor::columns(int64_t start, int64_t count) const {
  QUIRE_CHECK(
      ndim_ == 2 && start >= 0 && count >= 0 && start + count <= shape_[1],
      "columns {} + {} of {}",
      start,
      count,
      shape_string()
  );
  Tensor result = *this;
  const auto offset = start * strides_[1] * static_cast<int64_t>(dtype_size(dtype_));
  if (data_ != nullptr) result.data_ = static_cast<std::byte*>(data_) + offset;
  result.shape_[1] = count;
  return result;
}

Tensor Tensor::view(std::initializer_list<int64_t> shape) const {
  Tensor result(data_, dtype_, shape, device_);
  QUIRE_CHECK(
      is_contiguous() && result.num_elements() == num_elements(),
      "{} viewed as {}",
      shape_string(),
      result.shape_string()
  );
  return result;
}

std::string Tensor::shape_string() const {
  std::string text = "[";
  for (int dim = 0; dim < ndim_; ++dim) {
    if (dim > 0) text += ", ";
    text += std::to_string(shape_[dim]);
  }
  return text + "]";
}

}  // namespace quire
