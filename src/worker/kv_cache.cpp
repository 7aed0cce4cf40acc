#include "worker/kv_cache.h"

#include "base/check.h"

namespace quire {

KVCache::KVCache(const KVCacheConfig& config, const Stream& stream, int max_model_len) {
  size_t num_layers = 0;
  for (const KVCacheGroupSpec& group : config.groups) {
    num_layers += group.layer_indices.size();
  }
  storage_.resize(num_layers);
  layer_caches_.resize(num_layers);
  for (const KVCacheGroupSpec& group : config.groups) {
    const KVCacheSpec& spec = group.spec;
    backends_.push_back(make_cpu_attention(spec, max_model_len));
    block_sizes_.push_back(spec.block_size);
    const size_t num_bytes = ops::kv_cache_bytes(
        config.num_blocks, spec.block_size, spec.num_kv_heads, spec.head_dim, spec.dtype
    );
    for (const int layer : group.layer_indices) {
      storage_[layer] = Storage(num_bytes, stream.device);
      const auto num_elements = static_cast<int64_t>(num_bytes / dtype_size(spec.dtype));
      layer_caches_[layer] = {
          storage_[layer].tensor(spec.dtype, {num_elements}), backends_.back().get()};
    }
  }
}

}  // namespace quire
