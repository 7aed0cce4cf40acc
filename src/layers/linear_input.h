#pragma once

#include "ops/linear.h"

namespace quire {

// What a linear layer reads: x and what the back end does to it on the way in. Norms and gated
// activations make one, so that models read as written on paper and back ends can fuse.
struct LinearInput {
  Tensor x;  // [M, K] float32; [M, 2K] for gated activations
  LinearPrologue prologue = LinearPrologue::kNone;
  Tensor norm_weight;
  float norm_eps = 0.0f;

  LinearOptions options() const {
    return {.prologue = prologue, .norm_weight = norm_weight, .norm_eps = norm_eps};
  }
};

}  // namespace quire
