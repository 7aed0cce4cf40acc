#pragma once

#include <vector>

#include "ops/attention.h"
#include "support/reference_ops.h"
#include "tensor/storage.h"

namespace quire {

// How many tokens of a sequence a step computes.
struct QueryPart {
  int sequence = 0;
  int num_tokens = 0;
};
using Step = std::vector<QueryPart>;

struct PagedSetup {
  AttentionParams params;
  DType cache_dtype = DType::kFloat32;
  int block_size = 16;
  std::vector<int> lengths;  // tokens of each sequence
};

// Sequences of random q, k, v that live in one paged cache. What nobody has written is NaN, the
// null block included, and blocks that fell out of the window are taken away as the manager does.
class PagedSequences {
 public:
  explicit PagedSequences(PagedSetup setup, double theta = 10000.0);

  // Computes the steps one after the other and returns the outputs of every sequence,
  // [length, num_heads * head_dim].
  std::vector<std::vector<float>> run(const Stream& stream, const std::vector<Step>& steps);

  // [length, (num_heads + 2 * num_kv_heads) * head_dim]: before any step, and as steps left it.
  reference::Matrix raw(int sequence) const { return reference::Matrix(view(raw_[sequence])); }
  reference::Matrix rotated(int sequence) const { return reference::Matrix(view(seen_[sequence])); }
  int row_size() const { return row_size_; }

 private:
  Tensor view(const std::vector<float>& rows) const {
    const auto num_rows = static_cast<int64_t>(rows.size()) / row_size_;
    return Tensor(const_cast<float*>(rows.data()), DType::kFloat32, {num_rows, row_size_});
  }
  void run_step(const Stream& stream, const Step& step, std::vector<std::vector<float>>& outputs);
  void append_request(const QueryPart& part);
  std::vector<int32_t> block_row(int sequence, int num_computed) const;

  PagedSetup setup_;
  int row_size_;
  int max_num_blocks_ = 0;
  Storage rope_;
  Storage cache_;
  Tensor kv_cache_;
  std::vector<std::vector<int32_t>> blocks_;  // of each sequence
  std::vector<std::vector<float>> raw_;
  std::vector<std::vector<float>> seen_;
  std::vector<int> num_computed_;
  // The arrays of the step at hand.
  std::vector<float> qkv_;
  std::vector<int32_t> query_start_loc_;
  std::vector<int32_t> seq_lens_;
  std::vector<int32_t> positions_;
  std::vector<int32_t> slots_;
  std::vector<int32_t> block_table_;
};

}  // namespace quire
