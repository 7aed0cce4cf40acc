#pragma once

#include <string>

#include "layers/linear.h"

namespace quire {

struct GatedMlpOptions {
  std::string activation;  // config.json's hidden_act: "silu", "swish", "gelu_pytorch_tanh"
  bool has_bias = false;
  bool is_fused_in_checkpoint = false;  // one tensor gate_up_proj instead of gate_proj, up_proj
};

// down(activation(gate(x)) * up(x)).
class GatedMlp {
 public:
  // Throws InvalidArgument for an activation that is not known.
  GatedMlp(
      const LoadContext& load,
      int64_t hidden_size,
      int64_t intermediate_size,
      const GatedMlpOptions& options
  );

  // input [M, hidden_size] → [M, hidden_size] in ctx.arena
  Tensor forward(const LinearInput& input, const ForwardContext& ctx) const;
  // residual [M, hidden_size] += forward(input)
  void add_to(const Tensor& residual, const LinearInput& input, const ForwardContext& ctx) const;

 private:
  LinearInput gated(const LinearInput& input, const ForwardContext& ctx) const;

  LinearPrologue activation_;
  Linear gate_up_proj_;
  Linear down_proj_;
};

}  // namespace quire
