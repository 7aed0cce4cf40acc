#include "models/decoder.h"
#include "models/families.h"
#include "models/gemma.h"

namespace quire {

// Gemma 2: norms before and after both halves; capped scores and a window in every other layer,
// which config.json says.
std::unique_ptr<CausalLM> make_gemma2(
    const ModelConfig& config, int max_model_len, const LoadContext& root
) {
  const auto layer = [&](const LoadContext& load, const RotaryTables& rotary, int index) {
    return SandwichNormLayer(load, gemma_layer(config, rotary, index));
  };
  return make_decoder(config, max_model_len, root, layer, gemma_decoder(config, root.dtype));
}

}  // namespace quire
