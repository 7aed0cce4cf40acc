#pragma once

#include <span>

#include "attention/attention_backend.h"
#include "tensor/arena.h"
#include "tensor/stream.h"

namespace quire {

// The cache of one attention layer and the backend of its KV cache group.
struct LayerCache {
  Tensor kv_cache;
  AttentionBackend* attention = nullptr;
};

// What a forward pass needs beside its input. Passed down, never global.
struct ForwardContext {
  Stream stream;
  Arena* arena = nullptr;  // all activations come from here
  std::span<const LayerCache> layer_caches;  // [num_hidden_layers]

  Tensor allocate(std::initializer_list<int64_t> shape) const {
    return arena->allocate(DType::kFloat32, shape);
  }
};

}  // namespace quire
