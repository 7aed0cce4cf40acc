#pragma once

#include <memory>

#include "config/kv_cache_spec.h"
#include "ops/attention.h"
#include "tensor/arena.h"

namespace quire {

// Runs attention for the layers of one KV cache group: plan once per step, run once per layer.
class AttentionBackend {
 public:
  virtual ~AttentionBackend() = default;
  // The batch of the coming step. Its tensors stay valid until the step is done.
  virtual void plan(const Stream& stream, const PagedBatch& batch) = 0;
  // See ops::paged_attention for the shapes.
  virtual void run(
      const Stream& stream,
      const AttentionParams& params,
      const Tensor& qkv,
      const Tensor& kv_cache,
      const Tensor& out
  ) = 0;
};

// max_model_len bounds seq_lens: plan() checks it, and that block tables are long enough.
std::unique_ptr<AttentionBackend> make_cpu_attention(const KVCacheSpec& spec, int max_model_len);

}  // namespace quire
