#pragma once

#include <optional>

#include "config/kv_cache_spec.h"
#include "layers/linear.h"
#include "layers/norm.h"
#include "layers/rotary.h"

namespace quire {

struct AttentionOptions {
  int layer = 0;  // index into ForwardContext::layer_caches
  int num_heads = 0;
  int num_kv_heads = 0;
  int head_dim = 0;
  double scale = 0.0;  // of q · k
  double logits_softcap = 0.0;  // cap * tanh(score / cap); 0: off
  std::optional<int> sliding_window;  // tokens a query sees, itself included
  RopeTable rope;
  bool qkv_bias = false;
  bool o_bias = false;
  std::optional<RmsNormOptions> qk_norm;  // RMSNorm of each head of q and k, before rope
  bool is_fused_in_checkpoint = false;  // one tensor qkv_proj instead of q_proj, k_proj, v_proj
};

// What config.json says of a layer: sizes, scale 1 / sqrt(head_dim), window, rope, attention_bias.
AttentionOptions attention_options(
    const ModelConfig& config, const RotaryTables& rotary, int layer
);

// Causal self attention of grouped queries over the paged cache of its layer.
class SelfAttention {
 public:
  SelfAttention(const LoadContext& load, int64_t hidden_size, const AttentionOptions& options);

  // input [M, hidden_size] → [M, hidden_size] in ctx.arena
  Tensor forward(const LinearInput& input, const ForwardContext& ctx) const;
  // residual [M, hidden_size] += forward(input)
  void add_to(const Tensor& residual, const LinearInput& input, const ForwardContext& ctx) const;

  // block_size is the caller's to set.
  KVCacheSpec kv_cache_spec() const;

 private:
  Tensor attend(const LinearInput& input, const ForwardContext& ctx) const;

  int layer_;
  DType kv_cache_dtype_;
  Linear qkv_proj_;
  Linear o_proj_;
  std::optional<RmsNorm> q_norm_;
  std::optional<RmsNorm> k_norm_;
  AttentionParams params_;
};

}  // namespace quire
