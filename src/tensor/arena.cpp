#include "tensor/arena.h"

#include "base/math.h"

namespace quire {

Tensor Arena::allocate(DType dtype, std::initializer_list<int64_t> shape) {
  Tensor tensor(static_cast<std::byte*>(storage_.data()) + used_, dtype, shape, storage_.device());
  const size_t end = used_ + bytes_for(dtype, tensor.num_elements());
  QUIRE_CHECK(
      end <= num_bytes(),
      "arena of {} bytes is full: {} in use, {} of {} asked for",
      num_bytes(),
      used_,
      tensor.shape_string(),
      dtype_name(dtype)
  );
  used_ = end;
  return tensor;
}

size_t Arena::bytes_for(DType dtype, int64_t num_elements) {
  constexpr size_t kAlignment = 64;
  return round_up(static_cast<size_t>(num_elements) * dtype_size(dtype), kAlignment);
}

}  // namespace quire
