#include "layers/norm.h"

#include "layers/weight_conversion.h"
#include "ops/norm.h"

namespace quire {

RmsNorm::RmsNorm(const LoadContext& load, int64_t size, const RmsNormOptions& options)
    : size_(size), eps_(static_cast<float>(options.eps)) {
  const Tensor weight = load.take("weight", {size});
  storage_ = to_float32({&weight, 1}, options.weight_offset);
}

LinearInput RmsNorm::operator()(const Tensor& x) const {
  return {.x = x, .prologue = LinearPrologue::kRmsNorm, .norm_weight = weight(), .norm_eps = eps_};
}

void RmsNorm::add_to(const Tensor& residual, const Tensor& x, const ForwardContext& ctx) const {
  ops::rms_norm_add(ctx.stream, x, weight(), eps_, residual);
}

}  // namespace quire
