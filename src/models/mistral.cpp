#include "layers/attention.h"
#include "layers/gated_mlp.h"
#include "models/decoder.h"
#include "models/families.h"

namespace quire {
namespace {

// Mistral 7B: Llama where every layer has a window (v0.1) or none.
struct MistralLayer {
  RmsNorm input_layernorm;
  SelfAttention self_attn;
  RmsNorm post_attention_layernorm;
  GatedMlp mlp;

  MistralLayer(
      const LoadContext& load, const ModelConfig& config, const RotaryTables& rotary, int index
  )
      : input_layernorm(load / "input_layernorm", config.hidden_size, {.eps = config.rms_norm_eps}),
        self_attn(load / "self_attn", config.hidden_size, attention_options(config, rotary, index)),
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
};

}  // namespace

std::unique_ptr<CausalLM> make_mistral(
    const ModelConfig& config, int max_model_len, const LoadContext& root
) {
  return std::make_unique<Decoder<MistralLayer>>(config, max_model_len, root);
}

}  // namespace quire
