#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string>

#include "base/check.h"
#include "base/device.h"
#include "base/dtype.h"

namespace quire {

// A view of elements that somebody else owns (Storage, Arena, a mapped file): pointer, dtype,
// device, shape, strides in elements. Copied by value. Up to four dimensions; zero rows are legal.
class Tensor {
 public:
  Tensor() = default;
  Tensor(void* data, DType dtype, std::initializer_list<int64_t> shape, Device device = {});

  DType dtype() const { return dtype_; }
  Device device() const { return device_; }
  int ndim() const { return ndim_; }
  int64_t size(int dim) const { return shape_[dim < 0 ? dim + ndim_ : dim]; }
  int64_t stride(int dim) const { return strides_[dim < 0 ? dim + ndim_ : dim]; }
  int64_t num_elements() const;
  int64_t num_bytes() const { return num_elements() * static_cast<int64_t>(dtype_size(dtype_)); }
  bool is_contiguous() const;
  bool defined() const { return data_ != nullptr; }

  void* raw() const { return data_; }
  template <class T>
  T* data() const {
    return static_cast<T*>(data_);
  }

  // Rows [start, start + count) of dimension 0.
  Tensor rows(int64_t start, int64_t count) const;
  // Columns [start, start + count) of a matrix; its rows keep their stride.
  Tensor columns(int64_t start, int64_t count) const;
  // The same elements in another shape; must be contiguous.
  Tensor view(std::initializer_list<int64_t> shape) const;
  std::string shape_string() const;  // "[4, 256]"

 private:
  void* data_ = nullptr;
  DType dtype_ = DType::kFloat32;
  Device device_;
  int ndim_ = 0;
  std::array<int64_t, 4> shape_{};
  std::array<int64_t, 4> strides_{};
};

}  // namespace quire
