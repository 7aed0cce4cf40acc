#include "models/decoder.h"
#include "models/families.h"
#include "models/gemma.h"

namespace quire {

// Gemma 3 (text): normalised heads of q and k, rope of its own in the layers with a window.
std::unique_ptr<CausalLM> make_gemma3(
    const ModelConfig& config, int max_model_len, const LoadContext& root
) {
  const auto layer = [&](const LoadContext& load, const RotaryTables& rotary, int index) {
    DecoderLayerOptions options = gemma_layer(config, rotary, index);
    options.attention.qk_norm = options.norm;
    return SandwichNormLayer(load, options);
  };
  return make_decoder(config, max_model_len, root, layer, gemma_decoder(config, root.dtype));
}

}  // namespace quire
