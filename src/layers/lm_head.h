#pragma once

#include "layers/forward_context.h"
#include "layers/linear_input.h"
#include "layers/load_context.h"

namespace quire {

// Hidden states to logits.
class LmHead {
 public:
  // Takes `weight` [vocab_size, hidden_size]: of lm_head, or of the embedding where they are tied.
  // softcap: logits become cap * tanh(logits / cap); 0: off.
  LmHead(const LoadContext& load, int64_t vocab_size, int64_t hidden_size, double softcap);

  // → [M, vocab_size] float32 in ctx.arena
  Tensor forward(const LinearInput& input, const ForwardContext& ctx) const;

  int64_t vocab_size() const { return weight_.out_features; }

 private:
  PackedWeight weight_;
  float softcap_;
};

}  // namespace quire
