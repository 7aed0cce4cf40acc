#include "layers/attention.h"

#include <cmath>

#include "base/check.h"

namespace quire {
namespace {

Linear load_qkv(const LoadContext& load, int64_t hidden_size, const AttentionOptions& options) {
  const int64_t q_size = int64_t{options.num_heads} * options.head_dim;
  const int64_t kv_size = int64_t{options.num_kv_heads} * options.head_dim;
  if (options.is_fused_in_checkpoint) {
    return Linear(load / "qkv_proj", hidden_size, q_size + 2 * kv_size, options.qkv_bias);
  }
  return Linear::fused(
      load,
      {{"q_proj", q_size}, {"k_proj", kv_size}, {"v_proj", kv_size}},
      hidden_size,
      options.qkv_bias
  );
}

std::optional<RmsNorm> load_head_norm(const LoadContext& load, const AttentionOptions& options) {
  if (!options.qk_norm) return std::nullopt;
  return RmsNorm(load, options.head_dim, *options.qk_norm);
}

}  // namespace

AttentionOptions attention_options(
    const ModelConfig& config, const RotaryTables& rotary, int layer
) {
  return {
      .layer = layer,
      .num_heads = config.num_attention_heads,
      .num_kv_heads = config.num_key_value_heads,
      .head_dim = config.head_dim,
      .scale = 1.0 / std::sqrt(config.query_pre_attn_scalar.value_or(config.head_dim)),
      .logits_softcap = config.attn_logit_softcapping,
      .sliding_window = config.is_sliding_layer[layer] ? config.sliding_window : std::nullopt,
      .rope = rotary.of_layer(config, layer),
      .qkv_bias = config.attention_bias,
      .o_bias = config.attention_bias,
  };
}

SelfAttention::SelfAttention(
    const LoadContext& load, int64_t hidden_size, const AttentionOptions& options
)
    : layer_(options.layer),
      kv_cache_dtype_(load.dtype),
      qkv_proj_(load_qkv(load, hidden_size, options)),
      o_proj_(
          load / "o_proj",
          int64_t{options.num_heads} * options.head_dim,
          hidden_size,
          options.o_bias
      ),
      q_norm_(load_head_norm(load / "q_norm", options)),
      k_norm_(load_head_norm(load / "k_norm", options)),
      params_{
          .num_heads = options.num_heads,
          .num_kv_heads = options.num_kv_heads,
          .head_dim = options.head_dim,
          .scale = static_cast<float>(options.scale),
          .logits_softcap = static_cast<float>(options.logits_softcap),
          .sliding_window = options.sliding_window,
          .rope = options.rope,
      } {
  if (options.qk_norm) {
    params_.q_norm_weight = q_norm_->weight();
    params_.k_norm_weight = k_norm_->weight();
    params_.qk_norm_eps = q_norm_->eps();
  }
  // Older checkpoints store what the rotary tables are computed from.
  load.scope.ignore("rotary_emb.inv_freq");
}

Tensor SelfAttention::attend(const LinearInput& input, const ForwardContext& ctx) const {
  const Tensor qkv = qkv_proj_.forward(input, ctx);
  const Tensor attended =
      ctx.allocate({qkv.size(0), int64_t{params_.num_heads} * params_.head_dim});
  const LayerCache& cache = ctx.layer_caches[layer_];
  cache.attention->run(ctx.stream, params_, qkv, cache.kv_cache, attended);
  return attended;
}

Tensor SelfAttention::forward(const LinearInput& input, const ForwardContext& ctx) const {
  return o_proj_.forward({attend(input, ctx)}, ctx);
}

void SelfAttention::add_to(
    const Tensor& residual, const LinearInput& input, const ForwardContext& ctx
) const {
  o_proj_.add_to(residual, {attend(input, ctx)}, ctx);
}

KVCacheSpec SelfAttention::kv_cache_spec() const {
  return {
      .num_kv_heads = params_.num_kv_heads,
      .head_dim = params_.head_dim,
      .dtype = kv_cache_dtype_,
      .sliding_window = params_.sliding_window,
  };
}

}  // namespace quire
