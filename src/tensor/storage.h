#pragma once

#include <cstddef>
#include <initializer_list>

#include "tensor/tensor.h"

namespace quire {

// Owner of device memory: move-only, 64-byte aligned. Large pieces are mapped (huge pages where
// the kernel gives them), zeroed, and take memory only when they are touched.
class Storage {
 public:
  Storage() = default;
  // Throws EnvironmentError when the memory cannot be had.
  explicit Storage(size_t num_bytes, Device device = {});
  static Storage for_tensor(DType dtype, std::initializer_list<int64_t> shape, Device device = {});
  ~Storage();
  Storage(Storage&& other) noexcept;
  Storage& operator=(Storage&& other) noexcept;

  void* data() const { return data_; }
  size_t num_bytes() const { return num_bytes_; }
  Device device() const { return device_; }
  // A view of the first bytes; InternalError when they do not hold the shape.
  Tensor tensor(DType dtype, std::initializer_list<int64_t> shape) const;

 private:
  void release();

  void* data_ = nullptr;
  size_t num_bytes_ = 0;
  Device device_;
};

}  // namespace quire
