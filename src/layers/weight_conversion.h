#pragma once

#include <span>

#include "tensor/storage.h"
#include "tensor/stream.h"

namespace quire {

// The elements of `parts` (float32, bfloat16 or float16) one after the other as float32, each plus
// `offset`: norm weights and biases.
Storage to_float32(std::span<const Tensor> parts, float offset = 0.0f);

// The elements of `source` (float32, bfloat16 or float16) as `dtype` (float32 or bfloat16).
Storage convert(const Stream& stream, const Tensor& source, DType dtype);

}  // namespace quire
