#include "layers/gated_mlp.h"

#include <fmt/format.h>

#include "quire/error.h"

namespace quire {
namespace {

LinearPrologue parse_activation(const std::string& name) {
  if (name == "silu" || name == "swish") return LinearPrologue::kSiluMul;
  if (name == "gelu_pytorch_tanh") return LinearPrologue::kGeluTanhMul;
  throw InvalidArgument(
      "hidden_act",
      fmt::format(
          "config.json: hidden_act '{}' is not supported; use a model with silu (swish) or "
          "gelu_pytorch_tanh",
          name
      )
  );
}

Linear load_gate_up(
    const LoadContext& load,
    int64_t hidden_size,
    int64_t intermediate_size,
    const GatedMlpOptions& options
) {
  if (options.is_fused_in_checkpoint) {
    return Linear(load / "gate_up_proj", hidden_size, 2 * intermediate_size, options.has_bias);
  }
  return Linear::fused(
      load,
      {{"gate_proj", intermediate_size}, {"up_proj", intermediate_size}},
      hidden_size,
      options.has_bias
  );
}

}  // namespace

GatedMlp::GatedMlp(
    const LoadContext& load,
    int64_t hidden_size,
    int64_t intermediate_size,
    const GatedMlpOptions& options
)
    : activation_(parse_activation(options.activation)),
      gate_up_proj_(load_gate_up(load, hidden_size, intermediate_size, options)),
      down_proj_(load / "down_proj", intermediate_size, hidden_size, options.has_bias) {}

LinearInput GatedMlp::gated(const LinearInput& input, const ForwardContext& ctx) const {
  return {.x = gate_up_proj_.forward(input, ctx), .prologue = activation_};
}

Tensor GatedMlp::forward(const LinearInput& input, const ForwardContext& ctx) const {
  return down_proj_.forward(gated(input, ctx), ctx);
}

void GatedMlp::add_to(const Tensor& residual, const LinearInput& input, const ForwardContext& ctx)
    const {
  down_proj_.add_to(residual, gated(input, ctx), ctx);
}

}  // namespace quire
