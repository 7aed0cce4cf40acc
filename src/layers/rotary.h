#pragma once

#include <optional>
#include <vector>

#include "config/model_config.h"
#include "ops/attention.h"
#include "tensor/storage.h"
#include "tensor/stream.h"

namespace quire {

// Angle per position of each of the rotary_dim / 2 pairs, scaling applied.
std::vector<double> rope_frequencies(const RopeConfig& config, int rotary_dim);

// cos and sin of every position that can occur.
class RotaryEmbedding {
 public:
  RotaryEmbedding(const RopeConfig& config, int head_dim, int max_model_len, const Stream& stream);

  // Valid as long as this lives, also after a move.
  RopeTable table() const;

 private:
  int rotary_dim_;
  int max_model_len_;
  Storage cos_sin_;
};

// The tables of a model: one for all layers, or another one for those with a window.
class RotaryTables {
 public:
  RotaryTables(const ModelConfig& config, int max_model_len, const Stream& stream);
  RopeTable of_layer(const ModelConfig& config, int layer) const;

 private:
  RotaryEmbedding global_;
  std::optional<RotaryEmbedding> local_;
};

}  // namespace quire
