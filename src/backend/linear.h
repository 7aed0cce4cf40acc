#pragma once

#include <cstdint>
#include <span>

#include "tensor/storage.h"
#include "tensor/stream.h"
#include "tensor/tensor.h"

// x · Wᵀ with what surrounds it; ops/linear.h says what the functions do.
namespace quire {

// A linear weight in the back end's own layout, made once while loading.
struct PackedWeight {
  Storage storage;
  DType dtype = DType::kBFloat16;  // float32 or bfloat16
  int64_t out_features = 0;  // N
  int64_t in_features = 0;  // K
  size_t num_bytes() const { return storage.num_bytes(); }
};

enum class LinearPrologue : uint8_t {
  kNone,
  kRmsNorm,  // x [M, K] is normalised by norm_weight, norm_eps first
  kSiluMul,  // x [M, 2K] holds gate | up: the input is silu(gate) * up
  kGeluTanhMul,  // the same with the tanh form of GELU
};

struct LinearOptions {
  LinearPrologue prologue = LinearPrologue::kNone;
  Tensor norm_weight;  // [K] float32, for kRmsNorm
  float norm_eps = 0.0f;
  Tensor bias;  // [N] float32; undefined: none
  bool accumulate = false;  // out += result: the residual connection
  float softcap = 0.0f;  // cap * tanh(result / cap); 0: off
};

namespace cpu {
PackedWeight pack_linear(const Stream& stream, std::span<const Tensor> parts, DType dtype);
void linear(
    const Stream& stream,
    const Tensor& x,
    const PackedWeight& weight,
    const LinearOptions& options,
    const Tensor& out
);
}  // namespace cpu

namespace cuda {
PackedWeight pack_linear(const Stream& stream, std::span<const Tensor> parts, DType dtype);
void linear(
    const Stream& stream,
    const Tensor& x,
    const PackedWeight& weight,
    const LinearOptions& options,
    const Tensor& out
);
}  // namespace cuda

}  // namespace quire
