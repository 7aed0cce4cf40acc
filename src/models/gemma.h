#pragma once

#include <cmath>

#include "layers/norm.h"
#include "models/decoder.h"
#include "tensor/half.h"

// What the generations of Gemma share.
namespace quire {

// The checkpoint stores weight - 1.
inline RmsNormOptions gemma_norm(const ModelConfig& config) {
  return {.eps = config.rms_norm_eps, .weight_offset = 1.0f};
}

// Embeddings are multiplied by sqrt(hidden_size), rounded to the dtype of the embedding as in
// training.
inline DecoderOptions gemma_decoder(const ModelConfig& config, DType dtype) {
  const auto scale = static_cast<float>(std::sqrt(static_cast<double>(config.hidden_size)));
  return {
      .embedding_scale = dtype == DType::kBFloat16 ? to_float(to_bfloat16(scale)) : scale,
      .norm_weight_offset = 1.0f,
  };
}

}  // namespace quire
