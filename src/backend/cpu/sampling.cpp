#include "backend/sampling.h"

#include "backend/cpu/kernel_table.h"
#include "backend/cpu/parallel.h"

namespace quire::cpu {

void argmax(const Stream& stream, const Tensor& logits, const Tensor& out) {
  const auto kernel = kernels().argmax;
  for_each_row(stream, logits.size(0), logits.size(1), [&](int64_t row) {
    const int64_t best = kernel(row_of<float>(logits, row), logits.size(1));
    out.data<int32_t>()[row] = static_cast<int32_t>(best);
  });
}

void log_softmax(const Stream& stream, const Tensor& logits, const Tensor& out) {
  const auto kernel = kernels().log_softmax;
  for_each_row(stream, logits.size(0), logits.size(1), [&](int64_t row) {
    kernel(row_of<float>(logits, row), logits.size(1), row_of<float>(out, row));
  });
}

void softmax(const Stream& stream, const Tensor& logits, const Tensor& out) {
  const auto kernel = kernels().softmax;
  for_each_row(stream, logits.size(0), logits.size(1), [&](int64_t row) {
    kernel(row_of<float>(logits, row), logits.size(1), row_of<float>(out, row));
  });
}

}  // namespace quire::cpu
