#include "models/decoder.h"
#include "models/families.h"

namespace quire {

// Mistral 7B: Llama where every layer has a window (v0.1) or none.
std::unique_ptr<CausalLM> make_mistral(
    const ModelConfig& config, int max_model_len, const LoadContext& root
) {
  const auto layer = [&](const LoadContext& load, const RotaryTables& rotary, int index) {
    return PreNormLayer(load, decoder_layer_options(config, rotary, index));
  };
  return make_decoder(config, max_model_len, root, layer);
}

}  // namespace quire
