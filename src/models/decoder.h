#pragma once

#include <algorithm>
#include <memory>
#include <type_traits>
#include <vector>

#include "layers/decoder_layer.h"
#include "layers/embedding.h"
#include "layers/lm_head.h"
#include "layers/norm.h"
#include "layers/rotary.h"
#include "models/causal_lm.h"

namespace quire {

struct DecoderOptions {
  float embedding_scale = 1.0f;
  float norm_weight_offset = 0.0f;  // see RmsNormOptions
};

// Embedding, layers, final norm, head: what every family shares. A Layer has forward(x, ctx), which
// updates the residual stream x [num_tokens, hidden_size], and kv_cache_spec().
template <class Layer>
class Decoder final : public CausalLM {
 public:
  // make_layer(LoadContext, RotaryTables, index) loads a layer; it is called once for each.
  template <class MakeLayer>
  Decoder(
      const ModelConfig& config,
      int max_model_len,
      const LoadContext& root,
      const MakeLayer& make_layer,
      const DecoderOptions& options
  )
      : config_(config),
        rotary_(config, max_model_len, root.stream),
        embed_tokens_(
            body(root) / "embed_tokens",
            config.vocab_size,
            config.hidden_size,
            options.embedding_scale
        ),
        norm_(
            body(root) / "norm",
            config.hidden_size,
            {.eps = config.rms_norm_eps, .weight_offset = options.norm_weight_offset}
        ),
        lm_head_(
            config.tie_word_embeddings ? body(root) / "embed_tokens" : root / "lm_head",
            config.vocab_size,
            config.hidden_size,
            config.final_logit_softcapping
        ) {
    // Some checkpoints write out the tied head, or what the rotary tables are computed from.
    if (config.tie_word_embeddings) root.scope.ignore("lm_head.weight");
    body(root).scope.ignore("rotary_emb.inv_freq");
    layers_.reserve(config.num_hidden_layers);
    for (int i = 0; i < config.num_hidden_layers; ++i) {
      layers_.push_back(make_layer(body(root) / "layers" / i, rotary_, i));
    }
  }

  Tensor forward(const Tensor& token_ids, const ForwardContext& ctx) const override {
    const Tensor x = embed_tokens_.forward(token_ids, ctx);
    for (const Layer& layer : layers_) {
      const Arena::Scope temporaries(*ctx.arena);
      layer.forward(x, ctx);
    }
    return x;
  }

  Tensor compute_logits(const Tensor& hidden_states, const ForwardContext& ctx) const override {
    return lm_head_.forward(norm_(hidden_states), ctx);
  }

  std::vector<KVCacheSpec> kv_cache_specs() const override {
    std::vector<KVCacheSpec> specs;
    for (const Layer& layer : layers_)
      specs.push_back(layer.kv_cache_spec());
    return specs;
  }

  size_t workspace_bytes(int64_t num_tokens, int64_t num_rows) const override {
    const auto bytes = [&](int64_t rows, int64_t columns) {
      return Arena::bytes_for(DType::kFloat32, rows * columns);
    };
    const int64_t q_size = int64_t{config_.num_attention_heads} * config_.head_dim;
    const int64_t kv_size = int64_t{config_.num_key_value_heads} * config_.head_dim;
    // qkv, attended heads, gate | up, and the two branches before they join the residual stream.
    const size_t layer = bytes(num_tokens, q_size + 2 * kv_size) + bytes(num_tokens, q_size) +
                         bytes(num_tokens, 2 * int64_t{config_.intermediate_size}) +
                         2 * bytes(num_tokens, config_.hidden_size);
    const size_t head = bytes(num_rows, config_.hidden_size) + bytes(num_rows, config_.vocab_size);
    return bytes(num_tokens, config_.hidden_size) + std::max(layer, head);
  }

 private:
  // Checkpoints of the bare decoder lack the prefix "model.".
  static LoadContext body(const LoadContext& root) {
    return root.scope.has("embed_tokens.weight") && !root.scope.has("model.embed_tokens.weight")
               ? root
               : root / "model";
  }

  ModelConfig config_;
  RotaryTables rotary_;
  Embedding embed_tokens_;
  std::vector<Layer> layers_;
  RmsNorm norm_;
  LmHead lm_head_;
};

// A decoder of the layers that make_layer returns.
template <class MakeLayer>
std::unique_ptr<CausalLM> make_decoder(
    const ModelConfig& config,
    int max_model_len,
    const LoadContext& root,
    const MakeLayer& make_layer,
    const DecoderOptions& options = {}
) {
  using Layer = std::invoke_result_t<MakeLayer, const LoadContext&, const RotaryTables&, int>;
  return std::make_unique<Decoder<Layer>>(config, max_model_len, root, make_layer, options);
}

}  // namespace quire
