#include "worker/kv_cache.h"

#include <cstring>

#include "base/check.h"

namespace quire {

KVCache::KVCache(const KVCacheConfig& config, const Stream& stream, int max_model_len)
    : num_blocks_(config.num_blocks), num_host_blocks_(config.num_host_blocks) {
  size_t num_layers = 0;
  for (const KVCacheGroupSpec& group : config.groups) {
    num_layers += group.layer_indices.size();
  }
  layer_caches_.resize(num_layers);
  for (const KVCacheGroupSpec& group : config.groups) {
    const KVCacheSpec& spec = group.spec;
    backends_.push_back(make_cpu_attention(spec, max_model_len));
    block_sizes_.push_back(spec.block_size);
    const size_t num_bytes = ops::kv_cache_bytes(
        config.num_blocks, spec.block_size, spec.num_kv_heads, spec.head_dim, spec.dtype
    );
    const auto num_elements = static_cast<int64_t>(num_bytes / dtype_size(spec.dtype));
    for (size_t i = 0; i < group.layer_indices.size(); ++i) {
      if (i == storage_.size()) storage_.emplace_back(num_bytes, stream.device);
      QUIRE_CHECK(
          storage_[i].num_bytes() == num_bytes,
          "groups with {} and {} bytes",
          storage_[i].num_bytes(),
          num_bytes
      );
      layer_caches_[group.layer_indices[i]] = {
          storage_[i].tensor(spec.dtype, {num_elements}), backends_.back().get()};
    }
    block_bytes_ = num_bytes / static_cast<size_t>(config.num_blocks);
  }
  if (num_host_blocks_ == 0) return;
  for (size_t i = 0; i < storage_.size(); ++i)
    host_storage_.emplace_back(block_bytes_ * static_cast<size_t>(num_host_blocks_));
}

std::vector<std::span<std::byte>> KVCache::memory() const {
  std::vector<std::span<std::byte>> pieces;
  for (const Storage& storage : storage_)
    pieces.emplace_back(static_cast<std::byte*>(storage.data()), storage.num_bytes());
  return pieces;
}

std::byte* KVCache::block(size_t layer, BlockSpace space, int block_id) const {
  const Storage& storage = (space == BlockSpace::kDevice ? storage_ : host_storage_)[layer];
  return static_cast<std::byte*>(storage.data()) + static_cast<size_t>(block_id) * block_bytes_;
}

void KVCache::copy_blocks(const Stream& stream, std::span<const BlockCopy> copies) {
  if (copies.empty()) return;
  const auto check_block = [this](BlockSpace space, int block_id) {
    const int num_blocks = space == BlockSpace::kDevice ? num_blocks_ : num_host_blocks_;
    QUIRE_CHECK(block_id >= 0 && block_id < num_blocks, "block {} of {}", block_id, num_blocks);
  };
  for (const BlockCopy& copy : copies) {
    check_block(copy.source_space, copy.source);
    check_block(copy.target_space, copy.target);
  }
  ThreadPool& pool = stream.pool();
  pool.run([&](int thread_idx) {
    for (size_t layer = thread_idx; layer < storage_.size(); layer += pool.num_threads()) {
      for (const BlockCopy& copy : copies) {
        std::memcpy(
            block(layer, copy.target_space, copy.target),
            block(layer, copy.source_space, copy.source),
            block_bytes_
        );
      }
    }
  });
}

}  // namespace quire
