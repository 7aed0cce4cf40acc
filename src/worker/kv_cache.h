#pragma once

#include <memory>
#include <vector>

#include "attention/attention_backend.h"
#include "config/kv_cache_spec.h"
#include "core/scheduler_output.h"
#include "layers/forward_context.h"
#include "tensor/storage.h"

namespace quire {

// The memory of the KV cache, one tensor per attention layer, and the attention backend of every
// group. The groups hold different blocks, so layer i of each group has the same memory. The pages
// are mapped at once and taken as they are written.
class KVCache {
 public:
  KVCache(const KVCacheConfig& config, const Stream& stream, int max_model_len);

  // In order, in every layer: a block may be the target of one copy and the source of the next.
  void copy_blocks(const Stream& stream, std::span<const BlockCopy> copies);

  // All of it, for MemoryPopulator.
  std::vector<std::span<std::byte>> memory() const;
  std::span<const LayerCache> layer_caches() const { return layer_caches_; }
  AttentionBackend& backend(int group) { return *backends_[group]; }
  std::span<const int> block_sizes() const { return block_sizes_; }
  int num_groups() const { return static_cast<int>(backends_.size()); }

 private:
  std::byte* block(size_t layer, BlockSpace space, int block_id) const;

  std::vector<Storage> storage_;  // one per layer of the largest group
  std::vector<Storage> host_storage_;  // likewise: the swap space
  int num_blocks_;
  int num_host_blocks_;
  size_t block_bytes_ = 0;  // of one layer
  std::vector<std::unique_ptr<AttentionBackend>> backends_;  // one per group
  std::vector<int> block_sizes_;
  std::vector<LayerCache> layer_caches_;
};

}  // namespace quire
