#include "layers/attention.h"
#include "layers/gated_mlp.h"
#include "models/decoder.h"
#include "models/families.h"

namespace quire {
namespace {

// Qwen 2 and 2.5: biases on q, k and v.
struct Qwen2Layer {
  RmsNorm input_layernorm;
  SelfAttention self_attn;
  RmsNorm post_attention_layernorm;
  GatedMlp mlp;

  Qwen2Layer(
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
            {.activation = config.hidden_act}) {}

  void forward(const Tensor& x, const ForwardContext& ctx) const {
    self_attn.add_to(x, input_layernorm(x), ctx);
    mlp.add_to(x, post_attention_layernorm(x), ctx);
  }

 private:
  static AttentionOptions options(
      const ModelConfig& config, const RotaryTables& rotary, int index
  ) {
    AttentionOptions options = attention_options(config, rotary, index);
    options.qkv_bias = true;
    return options;
  }
};

}  // namespace

std::unique_ptr<CausalLM> make_qwen2(
    const ModelConfig& config, int max_model_len, const LoadContext& root
) {
  return std::make_unique<Decoder<Qwen2Layer>>(config, max_model_len, root);
}

}  // namespace quire
