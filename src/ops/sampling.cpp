#include "ops/sampling.h"

#include "backend/dispatch.h"
#include "backend/sampling.h"
#include "ops/checks.h"

namespace quire::ops {
namespace {

void check_logits(const Tensor& logits) {
  check_matrix(logits, "logits", DType::kFloat32);
  QUIRE_CHECK(logits.size(1) >= 1, "logits: {}", logits.shape_string());
}

}  // namespace

void argmax(const Stream& stream, const Tensor& logits, const Tensor& out) {
  check_logits(logits);
  check_vector(out, "out", DType::kInt32, logits.size(0));
  dispatch(stream, cpu::argmax, cuda::argmax, logits, out);
}

void log_softmax(const Stream& stream, const Tensor& logits, const Tensor& out) {
  check_logits(logits);
  check_matrix(out, "out", DType::kFloat32, logits.size(0), logits.size(1));
  dispatch(stream, cpu::log_softmax, cuda::log_softmax, logits, out);
}

void softmax(const Stream& stream, const Tensor& logits, const Tensor& out) {
  check_logits(logits);
  check_matrix(out, "out", DType::kFloat32, logits.size(0), logits.size(1));
  dispatch(stream, cpu::softmax, cuda::softmax, logits, out);
}

}  // namespace quire::ops
