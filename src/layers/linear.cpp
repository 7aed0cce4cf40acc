#include "layers/linear.h"

#include <vector>

#include "layers/weight_conversion.h"

namespace quire {

Linear::Linear(
    std::span<const Tensor> weights, std::span<const Tensor> biases, const LoadContext& load
)
    : weight_(ops::pack_linear(weights, load.dtype, load.stream)) {
  if (!biases.empty()) bias_ = to_float32(biases);
}

Linear::Linear(const LoadContext& load, int64_t in_features, int64_t out_features, bool has_bias) {
  const Tensor weight = load.take("weight", {out_features, in_features});
  weight_ = ops::pack_linear({&weight, 1}, load.dtype, load.stream);
  if (!has_bias) return;
  const Tensor bias = load.take("bias", {out_features});
  bias_ = to_float32({&bias, 1});
}

Linear Linear::fused(
    const LoadContext& load,
    std::initializer_list<LinearPart> parts,
    int64_t in_features,
    bool has_bias
) {
  std::vector<Tensor> weights;
  std::vector<Tensor> biases;
  for (const LinearPart& part : parts) {
    const LoadContext place = load / part.name;
    weights.push_back(place.take("weight", {part.out_features, in_features}));
    if (has_bias) biases.push_back(place.take("bias", {part.out_features}));
  }
  return Linear(weights, biases, load);
}

LinearOptions Linear::options(const LinearInput& input) const {
  LinearOptions options = input.options();
  if (bias_.data() != nullptr) options.bias = bias_.tensor(DType::kFloat32, {out_features()});
  return options;
}

Tensor Linear::forward(const LinearInput& input, const ForwardContext& ctx) const {
  const Tensor out = ctx.allocate({input.x.size(0), out_features()});
  ops::linear(ctx.stream, input.x, weight_, options(input), out);
  return out;
}

void Linear::add_to(const Tensor& residual, const LinearInput& input, const ForwardContext& ctx)
    const {
  LinearOptions epilogue = options(input);
  epilogue.accumulate = true;
  ops::linear(ctx.stream, input.x, weight_, epilogue, residual);
}

}  // namespace quire
