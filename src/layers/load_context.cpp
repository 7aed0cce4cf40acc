#include "layers/load_context.h"

#include <fmt/format.h>

#include "quire/error.h"

namespace quire {

Tensor LoadContext::take(std::string_view name, std::initializer_list<int64_t> shape) const {
  const Tensor tensor = scope.take(name, shape);
  switch (tensor.dtype()) {
    case DType::kFloat32:
    case DType::kBFloat16:
    case DType::kFloat16:
      return tensor;
    default:
      throw InvalidArgument(
          "model",
          fmt::format(
              "tensor {} is {}: quantized checkpoints are not supported, use one in bfloat16, "
              "float16 "
              "or float32",
              scope.full_name(name),
              dtype_name(tensor.dtype())
          )
      );
  }
}

}  // namespace quire
