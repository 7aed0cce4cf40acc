#include "layers/attention.h"
#include "layers/gated_mlp.h"
#include "models/decoder.h"
#include "models/families.h"

namespace quire {
namespace {

// Phi 3 and 3.5 mini: q, k, v and gate, up come fused in the checkpoint.
struct Phi3Layer {
  RmsNorm input_layernorm;
  SelfAttention self_attn;
  RmsNorm post_attention_layernorm;
  GatedMlp mlp;

  Phi3Layer(
      const LoadContext& load, const ModelConfig& config, const RotaryTables& rotary, int index
  )
      : input_layernorm(load / "input_layernorm", config.hidden_size, {.eps = config.rms_norm_eps}),
        self_attn(load / "self_attn", config.hidden_size, options(config, rotary, index)),
        post_attention_layernorm(
            load / "post_attention_layernorm", config.hidden_size, {.eps = config.rms_norm_eps}
        ),
        mlp(load / "mlp",
            config.hidden_size,
            config.intermediate_size,
            {.activation = config.hidden_act, .is_fused_in_checkpoint = true}) {}

  void forward(const Tensor& x, const ForwardContext& ctx) const {
    self_attn.add_to(x, input_layernorm(x), ctx);
    mlp.add_to(x, post_attention_layernorm(x), ctx);
  }

 private:
  static AttentionOptions options(
      const ModelConfig& config, const RotaryTables& rotary, int index
  ) {
    AttentionOptions options = attention_options(config, rotary, index);
    options.is_fused_in_checkpoint = true;
    return options;
  }
};

}  // namespace

std::unique_ptr<CausalLM> make_phi3(
    const ModelConfig& config, int max_model_len, const LoadContext& root
) {
  return std::make_unique<Decoder<Phi3Layer>>(config, max_model_len, root);
}

}  // namespace quire
