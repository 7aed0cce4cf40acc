#pragma once

#include <cmath>

#include "models/decoder.h"
#include "tensor/half.h"

// What the generations of Gemma share.
namespace quire {

inline constexpr float kGemmaNormOffset = 1.0f;  // the checkpoint stores weight - 1

inline DecoderLayerOptions gemma_layer(
    const ModelConfig& config, const RotaryTables& rotary, int layer
) {
  DecoderLayerOptions options = decoder_layer_options(config, rotary, layer);
  options.norm.weight_offset = kGemmaNormOffset;
  return options;
}

// Embeddings are multiplied by sqrt(hidden_size), rounded to the dtype of the embedding as in
// training.
inline DecoderOptions gemma_decoder(const ModelConfig& config, DType dtype) {
  const auto scale = static_cast<float>(std::sqrt(static_cast<double>(config.hidden_size)));
  return {
      .embedding_scale = dtype == DType::kBFloat16 ? to_float(to_bfloat16(scale)) : scale,
      .norm_weight_offset = kGemmaNormOffset,
  };
}

}  // namespace quire
