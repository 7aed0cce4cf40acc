#include "models/decoder.h"
#include "models/families.h"

namespace quire {

// Qwen 2 and 2.5: biases on q, k and v.
std::unique_ptr<CausalLM> make_qwen2(
    const ModelConfig& config, int max_model_len, const LoadContext& root
) {
  const auto layer = [&](const LoadContext& load, const RotaryTables& rotary, int index) {
    DecoderLayerOptions options = decoder_layer_options(config, rotary, index);
    options.attention.qkv_bias = true;
    return PreNormLayer(load, options);
  };
  return make_decoder(config, max_model_len, root, layer);
}

}  // namespace quire
