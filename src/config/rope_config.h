#pragma once

#include "config/json_fields.h"
#include "config/model_config.h"

namespace quire {

// What a family of models assumes where config.json is silent.
struct RopeDefaults {
  double theta = 10000.0;
  std::optional<double> local_theta;  // of sliding-window layers, where they have their own
  bool allows_partial = false;  // partial_rotary_factor below 1
};

// Fills config.rope and config.rope_local from rope_parameters (one set, or one per layer type), or
// from the older rope_theta, rope_scaling and rope_local_base_freq. config.head_dim must be set.
void parse_rope(const JsonFields& fields, const RopeDefaults& defaults, ModelConfig& config);

}  // namespace quire
