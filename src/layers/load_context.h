#pragma once

#include "tensor/stream.h"
#include "weights/weight_scope.h"

namespace quire {

// What a layer loads itself from: its place in the checkpoint, the dtype to keep weights in, and
// the device. The counterpart of ForwardContext.
struct LoadContext {
  WeightScope scope;
  DType dtype = DType::kBFloat16;  // float32 or bfloat16
  Stream stream;

  // `scope.take()`, float32, bfloat16 or float16. Throws InvalidArgument with the full name where
  // the checkpoint holds integers: it is quantized.
  Tensor take(std::string_view name, std::initializer_list<int64_t> shape) const;

  LoadContext operator/(std::string_view name) const { return {scope / name, dtype, stream}; }
  LoadContext operator/(int index) const { return {scope / index, dtype, stream}; }
};

}  // namespace quire
