#pragma once

#include <memory>
#include <vector>

#include "config/kv_cache_spec.h"
#include "config/model_config.h"
#include "layers/forward_context.h"
#include "weights/weight_scope.h"

namespace quire {

// A decoder that predicts the next token. Constructed = loaded.
class CausalLM {
 public:
  virtual ~CausalLM() = default;

  // token_ids [num_tokens] int32 → hidden states [num_tokens, hidden_size] float32, before the
  // final norm, in ctx.arena.
  virtual Tensor forward(const Tensor& token_ids, const ForwardContext& ctx) const = 0;

  // hidden_states [num_rows, hidden_size] (any rows of forward's result) → logits
  // [num_rows, vocab_size] float32, in ctx.arena.
  virtual Tensor compute_logits(const Tensor& hidden_states, const ForwardContext& ctx) const = 0;

  // One per attention layer, in order. block_size is the caller's to set.
  virtual std::vector<KVCacheSpec> kv_cache_specs() const = 0;

  // Arena bytes of one forward of num_tokens, a copy of num_rows rows of its result, and their
  // compute_logits.
  virtual size_t workspace_bytes(int64_t num_tokens, int64_t num_rows) const = 0;
};

struct LoadOptions {
  DType dtype = DType::kBFloat16;  // of weights and KV cache: float32 or bfloat16
  int max_model_len = 0;  // tokens; sizes the tables of rotary embeddings
};

// Builds the model that config.json's `architectures` names and loads it from `root`, whose source
// must outlive the model. Throws InvalidArgument for an unknown architecture (with the list of
// known ones) and for missing, leftover or wrongly shaped tensors (with full names).
std::unique_ptr<CausalLM> load_model(
    const ModelConfig& config, const LoadOptions& options, WeightScope root, const Stream& stream
);

std::vector<std::string> supported_architectures();

}  // namespace quire
