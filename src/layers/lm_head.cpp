#include "layers/lm_head.h"

namespace quire {

LmHead::LmHead(const LoadContext& load, int64_t vocab_size, int64_t hidden_size, double softcap)
    : softcap_(static_cast<float>(softcap)) {
  const Tensor weight = load.take("weight", {vocab_size, hidden_size});
  weight_ = ops::pack_linear({&weight, 1}, load.dtype, load.stream);
}

Tensor LmHead::forward(const LinearInput& input, const ForwardContext& ctx) const {
  const Tensor logits = ctx.allocate({input.x.size(0), vocab_size()});
  LinearOptions options = input.options();
  options.softcap = softcap_;
  ops::linear(ctx.stream, input.x, weight_, options, logits);
  return logits;
}

}  // namespace quire
