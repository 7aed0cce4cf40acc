#pragma once

#include "tensor/stream.h"
#include "tensor/tensor.h"

// What sampling needs of logits [M, V] float32 (rows may be strided). Each row is one thread's work
// in a fixed order, so its result does not depend on M. V >= 1.
namespace quire::ops {

// out[i]: the index of the largest logit of row i, the first one among equals. out [M] int32.
// NaN never wins; a row of nothing else gives 0.
void argmax(const Stream& stream, const Tensor& logits, const Tensor& out);

// out = logits - log(sum(exp(logits))). out [M, V] float32; may be logits.
void log_softmax(const Stream& stream, const Tensor& logits, const Tensor& out);

// out = exp(logits) / sum(exp(logits)). out [M, V] float32; may be logits.
void softmax(const Stream& stream, const Tensor& logits, const Tensor& out);

}  // namespace quire::ops
