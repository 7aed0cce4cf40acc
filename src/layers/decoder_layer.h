#pragma once

#include "layers/attention.h"
#include "layers/gated_mlp.h"
#include "layers/norm.h"

namespace quire {

// What a layer of a dense decoder is made of.
struct DecoderLayerOptions {
  int64_t hidden_size = 0;
  int64_t intermediate_size = 0;
  RmsNormOptions norm;  // of every norm that is not inside the attention
  AttentionOptions attention;
  GatedMlpOptions mlp;
};

// What config.json says of a layer: sizes, eps, activation, attention_options().
DecoderLayerOptions decoder_layer_options(
    const ModelConfig& config, const RotaryTables& rotary, int layer
);

// A norm before each half: x += attention(norm(x)); x += mlp(norm(x)). Members are named as in the
// checkpoint, here and below.
class PreNormLayer {
 public:
  PreNormLayer(const LoadContext& load, const DecoderLayerOptions& options);

  // Updates the residual stream x [num_tokens, hidden_size].
  void forward(const Tensor& x, const ForwardContext& ctx) const;
  KVCacheSpec kv_cache_spec() const { return self_attn_.kv_cache_spec(); }

 private:
  RmsNorm input_layernorm_;
  SelfAttention self_attn_;
  RmsNorm post_attention_layernorm_;
  GatedMlp mlp_;
};

// A norm before and one behind each half: x += norm(attention(norm(x))); x += norm(mlp(norm(x))).
class SandwichNormLayer {
 public:
  SandwichNormLayer(const LoadContext& load, const DecoderLayerOptions& options);

  // Updates the residual stream x [num_tokens, hidden_size].
  void forward(const Tensor& x, const ForwardContext& ctx) const;
  KVCacheSpec kv_cache_spec() const { return self_attn_.kv_cache_spec(); }

 private:
  RmsNorm input_layernorm_;
  SelfAttention self_attn_;
  RmsNorm post_attention_layernorm_;
  RmsNorm pre_feedforward_layernorm_;
  GatedMlp mlp_;
  RmsNorm post_feedforward_layernorm_;
};

}  // namespace quire
