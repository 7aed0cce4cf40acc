#pragma once

#include <optional>
#include <span>

#include "tensor/storage.h"
#include "tensor/stream.h"
#include "tensor/tensor.h"

// x · Wᵀ with what surrounds it. A back end fuses what it can; the result is the same.
namespace quire {

// A linear weight in the back end's own layout, made once while loading.
struct PackedWeight {
  Storage storage;
  DType dtype = DType::kBFloat16;  // float32 or bfloat16
  int64_t out_features = 0;        // N
  int64_t in_features = 0;         // K
  size_t num_bytes() const { return storage.num_bytes(); }
};

enum class LinearPrologue : uint8_t {
  kNone,
  kRmsNorm,      // x [M, K] is normalised by norm_weight, norm_eps first
  kSiluMul,      // x [M, 2K] holds gate | up: the input is silu(gate) * up
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

namespace ops {

// Packs the rows of `parts` [N_i, K] (float32, bfloat16 or float16, contiguous) one after the other
// into one weight [sum N_i, K] of `dtype` (float32 or bfloat16).
PackedWeight pack_linear(std::span<const Tensor> parts, DType dtype, const Stream& stream);

// x [M, K] float32 (rows may be strided; [M, 2K] for the gated prologues), out [M, N] float32.
// Each output is one sum in the order of k, so a row's result does not depend on M or on threads.
void linear(
    const Stream& stream,
    const Tensor& x,
    const PackedWeight& weight,
    const LinearOptions& options,
    const Tensor& out
);

}  // namespace ops
}  // namespace quire
