#include "layers/embedding.h"

#include "layers/weight_conversion.h"
#include "ops/embedding.h"

namespace quire {

Embedding::Embedding(const LoadContext& load, int64_t vocab_size, int64_t hidden_size, float scale)
    : table_(load.take("weight", {vocab_size, hidden_size})), scale_(scale) {
  if (table_.dtype() == load.dtype) return;
  converted_ = convert(load.stream, table_, load.dtype);
  table_ = converted_.tensor(load.dtype, {vocab_size, hidden_size});
}

Tensor Embedding::forward(const Tensor& token_ids, const ForwardContext& ctx) const {
  const Tensor out = ctx.allocate({token_ids.size(0), table_.size(1)});
  ops::embedding(ctx.stream, token_ids, table_, scale_, out);
  return out;
}

}  // namespace quire
