#include "models/decoder.h"
#include "models/families.h"

namespace quire {

// Qwen 3: the heads of q and k are normalised.
std::unique_ptr<CausalLM> make_qwen3(
    const ModelConfig& config, int max_model_len, const LoadContext& root
) {
  const auto layer = [&](const LoadContext& load, const RotaryTables& rotary, int index) {
    DecoderLayerOptions options = decoder_layer_options(config, rotary, index);
    options.attention.qk_norm = options.norm;
    return PreNormLayer(load, options);
  };
  return make_decoder(config, max_model_len, root, layer);
}

}  // namespace quire
