#include "layers/attention.h"
#include "layers/gated_mlp.h"
#include "models/decoder.h"
#include "models/families.h"
#include "models/gemma.h"

namespace quire {
namespace {

// Gemma 3 (text): normalised heads of q and k, rope of its own in the layers with a window.
struct Gemma3Layer {
  RmsNorm input_layernorm;
  SelfAttention self_attn;
  RmsNorm post_attention_layernorm;
  RmsNorm pre_feedforward_layernorm;
  GatedMlp mlp;
  RmsNorm post_feedforward_layernorm;

  Gemma3Layer(
      const LoadContext& load, const ModelConfig& config, const RotaryTables& rotary, int index
  )
      : input_layernorm(load / "input_layernorm", config.hidden_size, gemma_norm(config)),
        self_attn(load / "self_attn", config.hidden_size, options(config, rotary, index)),
        post_attention_layernorm(
            load / "post_attention_layernorm", config.hidden_size, gemma_norm(config)
        ),
        pre_feedforward_layernorm(
            load / "pre_feedforward_layernorm", config.hidden_size, gemma_norm(config)
        ),
        mlp(load / "mlp",
            config.hidden_size,
            config.intermediate_size,
            {.activation = config.hidden_act}),
        post_feedforward_layernorm(
            load / "post_feedforward_layernorm", config.hidden_size, gemma_norm(config)
        ) {}

  void forward(const Tensor& x, const ForwardContext& ctx) const {
    const Tensor attended = self_attn.forward(input_layernorm(x), ctx);
    post_attention_layernorm.add_to(x, attended, ctx);
    const Tensor fed = mlp.forward(pre_feedforward_layernorm(x), ctx);
    post_feedforward_layernorm.add_to(x, fed, ctx);
  }

 private:
  static AttentionOptions options(
      const ModelConfig& config, const RotaryTables& rotary, int index
  ) {
    AttentionOptions options = attention_options(config, rotary, index);
    options.qk_norm = gemma_norm(config);
    return options;
  }
};

}  // namespace

std::unique_ptr<CausalLM> make_gemma3(
    const ModelConfig& config, int max_model_len, const LoadContext& root
) {
  return std::make_unique<Decoder<Gemma3Layer>>(
      config, max_model_len, root, gemma_decoder(config, root.dtype)
  );
}

}  // namespace quire
