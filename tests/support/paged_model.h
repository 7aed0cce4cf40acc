#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "models/causal_lm.h"

namespace quire::test {

// Rows of logits, one per token that was computed.
using Logits = std::vector<std::vector<float>>;  // [num_tokens][vocab_size]

struct PagedModelOptions {
  DType dtype = DType::kFloat32;
  int num_threads = 1;
  int max_model_len = 0;  // 0: what the checkpoint was made for
  bool dummy_weights = false;  // made-up weights instead of the checkpoint's
  std::function<void(ModelConfig&)> edit;  // of the configuration, before the model is built
};

// A model with a paged cache and block tables, without scheduler or runner: the least that a
// forward pass needs. Blocks of the requests alternate, so that no request owns a contiguous range.
class PagedModel {
 public:
  static constexpr int kBlockSize = 16;
  static constexpr int kMaxReqs = 16;

  explicit PagedModel(const std::filesystem::path& dir, PagedModelOptions options = {});

  // The next tokens of request `idx`.
  struct Piece {
    int idx = 0;
    std::span<const int32_t> token_ids;
  };
  // One forward pass over all pieces; the logits of each, in order.
  std::vector<Logits> step(std::span<const Piece> pieces);

  // Logits of every position of a prompt, computed in chunks of at most `chunk_size`.
  Logits logits(std::span<const int32_t> prompt, int chunk_size = 1 << 30);
  // The same for several prompts in one forward pass.
  std::vector<Logits> batch_logits(const std::vector<std::vector<int32_t>>& prompts);
  std::vector<int32_t> greedy(std::span<const int32_t> prompt, int num_tokens);

  // Starts all requests anew.
  void reset();

  const ModelConfig& config() const { return config_; }
  const CausalLM& model() const { return *model_; }
  size_t num_passes() const { return num_passes_; }

 private:
  PagedBatch make_batch(std::span<const Piece> pieces);
  int block_of(int idx, int block) const { return 1 + block * kMaxReqs + idx; }

  ModelConfig config_;
  int max_model_len_;
  ThreadPool pool_;
  Stream stream_;
  WeightSource source_;
  std::unique_ptr<CausalLM> model_;
  std::vector<std::unique_ptr<AttentionBackend>> backends_;
  std::vector<Storage> caches_;
  std::vector<LayerCache> layer_caches_;  // [num_hidden_layers]
  std::vector<int> num_computed_tokens_;  // [kMaxReqs]
  size_t num_passes_ = 0;

  // The batch of the running step.
  std::vector<int32_t> token_ids_;
  std::vector<int32_t> query_start_loc_;
  std::vector<int32_t> seq_lens_;
  std::vector<int32_t> positions_;
  std::vector<int32_t> block_table_;
  std::vector<int32_t> slot_mapping_;
};

}  // namespace quire::test
