#pragma once

#include <span>
#include <string_view>

#include "config/json_fields.h"
#include "config/model_config.h"
#include "config/rope_config.h"

namespace quire {

// What an architecture assumes where config.json is silent, and the fields that it alone reads.
struct ModelFamily {
  std::string_view architecture;
  std::optional<int> head_dim;  // none: hidden_size / num_attention_heads
  double rms_norm_eps = 1e-6;
  bool tie_word_embeddings = false;
  RopeDefaults rope;
  // Called when the common fields are read.
  void (*read_quirks)(const JsonFields& fields, ModelConfig& config) = nullptr;
};

// Every architecture that models/registry.cpp can build.
std::span<const ModelFamily> model_families();

// Throws InvalidArgument with the list of known architectures.
const ModelFamily& find_model_family(std::string_view architecture);

}  // namespace quire
