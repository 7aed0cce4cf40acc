#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "batch/block_tables.h"
#include "tensor/storage.h"
#include "tensor/tensor.h"

namespace quire {

// One request's share of a step, as the runner sees it.
struct BatchEntry {
  int slot = 0;
  std::span<const int32_t> token_ids;  // all tokens the runner knows of the request
  int num_computed_tokens = 0;
  int num_scheduled_tokens = 0;
  std::optional<int> fork_of;  // ScheduledRequest::fork_of
};

// The flat arrays of one step. Buffers are sized once and keep their addresses.
// Example: queries of 2 and 3 tokens after 4 and 0 computed ones: query_start_loc [0, 2, 5],
// seq_lens [6, 3], positions [4, 5, 0, 1, 2].
class InputBatch {
 public:
  InputBatch(int num_groups, int max_num_reqs, int max_num_tokens, int max_num_blocks);

  // Fills the arrays from the entries and their block tables; forks, which compute nothing, are
  // left out. block_sizes [num_groups].
  void build(
      std::span<const BatchEntry> entries,
      const BlockTables& tables,
      std::span<const int> block_sizes
  );

  int num_reqs() const { return num_reqs_; }  // without forks
  int num_tokens() const { return num_tokens_; }
  Tensor token_ids() const { return view(token_ids_, {num_tokens_}); }
  Tensor positions() const { return view(positions_, {num_tokens_}); }
  Tensor query_start_loc() const { return view(query_start_loc_, {num_reqs_ + 1}); }
  Tensor seq_lens() const { return view(seq_lens_, {num_reqs_}); }
  Tensor block_table(int group) const;  // [num_reqs, max_num_blocks] int32
  Tensor slot_mapping(int group) const;  // [num_tokens] int32

 private:
  static Tensor view(const Storage& storage, std::initializer_list<int64_t> shape) {
    return Tensor(storage.data(), DType::kInt32, shape);
  }
  static int32_t* ints(const Storage& storage) { return static_cast<int32_t*>(storage.data()); }
  void build_group(
      int group, int block_size, std::span<const BatchEntry> entries, const BlockTables& tables
  );

  int num_groups_;
  int max_num_reqs_;
  int max_num_tokens_;
  int max_num_blocks_;
  int num_reqs_ = 0;
  int num_tokens_ = 0;
  Storage token_ids_;  // [max_num_tokens]
  Storage positions_;  // [max_num_tokens]
  Storage query_start_loc_;  // [max_num_reqs + 1]
  Storage seq_lens_;  // [max_num_reqs]
  Storage block_tables_;  // [num_groups, max_num_reqs, max_num_blocks]
  Storage slot_mappings_;  // [num_groups, max_num_tokens]
};

}  // namespace quire
