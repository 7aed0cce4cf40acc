#pragma once

#include <initializer_list>
#include <string_view>

#include "layers/forward_context.h"
#include "layers/linear_input.h"
#include "layers/load_context.h"

namespace quire {

// One of the checkpoint's tensors in a fused weight: "q_proj" and its rows.
struct LinearPart {
  std::string_view name;
  int64_t out_features;
};

// x · Wᵀ + bias.
class Linear {
 public:
  // Takes `weight` [out_features, in_features] and, with has_bias, `bias` [out_features].
  Linear(const LoadContext& load, int64_t in_features, int64_t out_features, bool has_bias = false);
  // Takes several weights that read the same input as one: their rows one after the other.
  static Linear fused(
      const LoadContext& load,
      std::initializer_list<LinearPart> parts,
      int64_t in_features,
      bool has_bias = false
  );

  // → [M, out_features] in ctx.arena
  Tensor forward(const LinearInput& input, const ForwardContext& ctx) const;
  // residual [M, out_features] += forward(input)
  void add_to(const Tensor& residual, const LinearInput& input, const ForwardContext& ctx) const;

  int64_t out_features() const { return weight_.out_features; }

 private:
  Linear(std::span<const Tensor> weights, std::span<const Tensor> biases, const LoadContext& load);
  LinearOptions options(const LinearInput& input) const;

  PackedWeight weight_;
  Storage bias_;  // float32; empty: none
};

}  // namespace quire
