#pragma once

#include "layers/forward_context.h"
#include "layers/load_context.h"

namespace quire {

// One row per token of the vocabulary.
class Embedding {
 public:
  // Takes `weight` [vocab_size, hidden_size]. A checkpoint of the dtype in use is read in place.
  // `scale` multiplies every row.
  Embedding(const LoadContext& load, int64_t vocab_size, int64_t hidden_size, float scale = 1.0f);

  // token_ids [M] int32 → [M, hidden_size] float32 in ctx.arena
  Tensor forward(const Tensor& token_ids, const ForwardContext& ctx) const;

 private:
  Tensor table_;
  Storage converted_;  // owns the table where the checkpoint has another dtype
  float scale_;
};

}  // namespace quire
