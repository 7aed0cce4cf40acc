#include "models/decoder.h"
#include "models/families.h"

namespace quire {

// Llama 2 and 3; some checkpoints have biases everywhere.
std::unique_ptr<CausalLM> make_llama(
    const ModelConfig& config, int max_model_len, const LoadContext& root
) {
  const auto layer = [&](const LoadContext& load, const RotaryTables& rotary, int index) {
    DecoderLayerOptions options = decoder_layer_options(config, rotary, index);
    options.mlp.has_bias = config.mlp_bias;
    return PreNormLayer(load, options);
  };
  return make_decoder(config, max_model_len, root, layer);
}

}  // namespace quire
