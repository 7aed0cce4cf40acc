#pragma once

#include "tensor/stream.h"
#include "tensor/tensor.h"

// See ops/sampling.h.
namespace quire {

namespace cpu {
void argmax(const Stream& stream, const Tensor& logits, const Tensor& out);
void log_softmax(const Stream& stream, const Tensor& logits, const Tensor& out);
void softmax(const Stream& stream, const Tensor& logits, const Tensor& out);
}  // namespace cpu

namespace cuda {
void argmax(const Stream& stream, const Tensor& logits, const Tensor& out);
void log_softmax(const Stream& stream, const Tensor& logits, const Tensor& out);
void softmax(const Stream& stream, const Tensor& logits, const Tensor& out);
}  // namespace cuda

}  // namespace quire
