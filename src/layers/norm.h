#pragma once

#include "layers/forward_context.h"
#include "layers/linear_input.h"
#include "layers/load_context.h"

namespace quire {

struct RmsNormOptions {
  double eps = 1e-6;
  float weight_offset = 0.0f;  // 1: the checkpoint stores weight - 1 (Gemma)
};

// x / sqrt(mean(x²) + eps) * weight over the last dimension.
class RmsNorm {
 public:
  // Takes `weight` [size].
  RmsNorm(const LoadContext& load, int64_t size, const RmsNormOptions& options);

  // The normalised x, computed by the linear layer that reads it.
  LinearInput operator()(const Tensor& x) const;
  // residual [M, size] += norm(x [M, size])
  void add_to(const Tensor& residual, const Tensor& x, const ForwardContext& ctx) const;

  Tensor weight() const { return storage_.tensor(DType::kFloat32, {size_}); }
  float eps() const { return eps_; }

 private:
  int64_t size_;
  float eps_;
  Storage storage_;
};

}  // namespace quire
