#include "layers/decoder_layer.h"

namespace quire {
namespace {

RmsNorm load_norm(const LoadContext& load, const DecoderLayerOptions& options) {
  return RmsNorm(load, options.hidden_size, options.norm);
}

SelfAttention load_attention(const LoadContext& load, const DecoderLayerOptions& options) {
  return SelfAttention(load, options.hidden_size, options.attention);
}

GatedMlp load_mlp(const LoadContext& load, const DecoderLayerOptions& options) {
  return GatedMlp(load, options.hidden_size, options.intermediate_size, options.mlp);
}

}  // namespace

DecoderLayerOptions decoder_layer_options(
    const ModelConfig& config, const RotaryTables& rotary, int layer
) {
  return {
      .hidden_size = config.hidden_size,
      .intermediate_size = config.intermediate_size,
      .norm = {.eps = config.rms_norm_eps},
      .attention = attention_options(config, rotary, layer),
      .mlp = {.activation = config.hidden_act},
  };
}

PreNormLayer::PreNormLayer(const LoadContext& load, const DecoderLayerOptions& options)
    : input_layernorm_(load_norm(load / "input_layernorm", options)),
      self_attn_(load_attention(load / "self_attn", options)),
      post_attention_layernorm_(load_norm(load / "post_attention_layernorm", options)),
      mlp_(load_mlp(load / "mlp", options)) {}

void PreNormLayer::forward(const Tensor& x, const ForwardContext& ctx) const {
  self_attn_.add_to(x, input_layernorm_(x), ctx);
  mlp_.add_to(x, post_attention_layernorm_(x), ctx);
}

SandwichNormLayer::SandwichNormLayer(const LoadContext& load, const DecoderLayerOptions& options)
    : input_layernorm_(load_norm(load / "input_layernorm", options)),
      self_attn_(load_attention(load / "self_attn", options)),
      post_attention_layernorm_(load_norm(load / "post_attention_layernorm", options)),
      pre_feedforward_layernorm_(load_norm(load / "pre_feedforward_layernorm", options)),
      mlp_(load_mlp(load / "mlp", options)),
      post_feedforward_layernorm_(load_norm(load / "post_feedforward_layernorm", options)) {}

void SandwichNormLayer::forward(const Tensor& x, const ForwardContext& ctx) const {
  const Tensor attended = self_attn_.forward(input_layernorm_(x), ctx);
  post_attention_layernorm_.add_to(x, attended, ctx);
  const Tensor fed = mlp_.forward(pre_feedforward_layernorm_(x), ctx);
  post_feedforward_layernorm_.add_to(x, fed, ctx);
}

}  // namespace quire
