#include "models/decoder.h"
#include "models/families.h"

namespace quire {

// Phi 3 and 3.5 mini: q, k, v and gate, up come fused in the checkpoint.
std::unique_ptr<CausalLM> make_phi3(
    const ModelConfig& config, int max_model_len, const LoadContext& root
) {
  const auto layer = [&](const LoadContext& load, const RotaryTables& rotary, int index) {
    DecoderLayerOptions options = decoder_layer_options(config, rotary, index);
    options.attention.is_fused_in_checkpoint = true;
    options.mlp.is_fused_in_checkpoint = true;
    return PreNormLayer(load, options);
  };
  return make_decoder(config, max_model_len, root, layer);
}

}  // namespace quire
