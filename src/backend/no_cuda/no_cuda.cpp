#include "backend/attention.h"
#include "backend/embedding.h"
#include "backend/linear.h"
#include "backend/norm.h"
#include "quire/error.h"

// The symbols of quire::cuda in a build without CUDA.
namespace quire::cuda {
namespace {

[[noreturn]] void fail() {
  throw EnvironmentError("this build of quire has no CUDA support");
}

}  // namespace

PackedWeight pack_linear(const Stream&, std::span<const Tensor>, DType) {
  fail();
}
void linear(const Stream&, const Tensor&, const PackedWeight&, const LinearOptions&, const Tensor&) {
  fail();
}
void rms_norm(const Stream&, const Tensor&, const Tensor&, float, const Tensor&) {
  fail();
}
void rms_norm_add(const Stream&, const Tensor&, const Tensor&, float, const Tensor&) {
  fail();
}
void embedding(const Stream&, const Tensor&, const Tensor&, float, const Tensor&) {
  fail();
}
void gather_rows(const Stream&, const Tensor&, const Tensor&, const Tensor&) {
  fail();
}
void paged_attention(const Stream&, const AttentionParams&, const PagedBatch&, const Tensor&, const Tensor&, const Tensor&) {
  fail();
}

}  // namespace quire::cuda
