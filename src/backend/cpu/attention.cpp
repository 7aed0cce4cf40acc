#include "backend/attention.h"

#include <algorithm>
#include <atomic>

#include "backend/cpu/kernel_table.h"
#include "backend/cpu/panels.h"
#include "backend/cpu/parallel.h"

namespace quire::cpu {
namespace {

// One call: first every token's norm, rope and cache write, then the query rows as work items that
// threads take one by one. An item is a request, a kv head, a tile of its query tokens and a part
// of its query heads; how rows fall into items changes no row's result. When nothing is read that
// another item writes, items prepare their tokens themselves, which saves the barrier.
class AttentionCall {
 public:
  AttentionCall(
      ThreadPool& pool,
      const AttentionParams& params,
      const PagedBatch& batch,
      const Tensor& qkv,
      const Tensor& kv_cache,
      const Tensor& out
  )
      : pool_(pool),
        params_(params),
        batch_(batch),
        qkv_(qkv),
        out_(out),
        cache_(static_cast<std::byte*>(kv_cache.raw())),
        is_bfloat16_(kv_cache.dtype() == DType::kBFloat16),
        layout_(batch.block_size, params.num_kv_heads, params.head_dim, kv_cache.dtype()) {
    const int group_size = params.num_heads / params.num_kv_heads;
    tile_tokens_ = std::max(1, kMaxAttendRows / group_size);
    int64_t num_items = 0;
    for (int request = 0; request < batch.num_reqs; ++request) {
      num_items += num_tiles(request) * params.num_kv_heads;
    }
    // Items too big for the scratch, or fewer items than threads: fewer heads each.
    const int num_threads = pool.num_threads();
    const int wanted =
        num_items == 0 ? 1 : static_cast<int>(ceil_div<int64_t>(num_threads, num_items));
    const int needed = ceil_div(group_size, kMaxAttendRows);
    num_head_parts_ = std::min(group_size, std::max(wanted, needed));
    items_prepare_ = num_head_parts_ == 1 && reads_no_other_token();
    next_item_ = num_threads;  // the first ones are dealt out
    scratch_floats_ = attend_scratch_floats(layout_.padded_head_dim);
    scratch_ = static_cast<float*>(pool.scratch(num_threads * scratch_floats_ * sizeof(float)));
  }

  // Brings the cached keys and values of the thread's first item nearer, a group of 16 tokens each
  // step. The second cache has room for so many.
  bool prefetch(int thread_idx, int step) const {
    constexpr int64_t kMaxBytes = 384 << 10;
    const int items_per_tile = params_.num_kv_heads * num_head_parts_;
    int request = 0;
    int64_t item = thread_idx;
    for (; request < batch_.num_reqs; ++request) {
      const int64_t num_items = int64_t{num_tiles(request)} * items_per_tile;
      if (item < num_items) break;
      item -= num_items;
    }
    if (request == batch_.num_reqs) return false;
    const int end = batch_.seq_lens.data<int32_t>()[request];
    const int begin = params_.sliding_window ? std::max(0, end - *params_.sliding_window) : 0;
    const int group = begin / kPanelWidth + step;
    const int groups_per_block = batch_.block_size / kPanelWidth;
    const int64_t group_bytes = 2 * layout_.keys_bytes;
    if (group * kPanelWidth >= end || step * group_bytes >= kMaxBytes) return false;
    const int64_t block = row_of<int32_t>(batch_.block_table, request)[group / groups_per_block];
    const int64_t kv_head = item % items_per_tile / num_head_parts_;
    const std::byte* from = cache_ + block * layout_.block_bytes + kv_head * layout_.head_bytes +
                            group % groups_per_block * group_bytes;
    for (int64_t offset = 0; offset < group_bytes; offset += kLineBytes) {
      __builtin_prefetch(from + offset);
    }
    return true;
  }

  void operator()(int thread_idx) {
    if (!items_prepare_) {
      const Range tokens = share_of(batch_.num_tokens, thread_idx, pool_.num_threads());
      for (int64_t token = tokens.begin; token < tokens.end; ++token) {
        prepare_token(token, 0, params_.num_kv_heads);
      }
      pool_.barrier();
    }
    attend_items(thread_idx);
  }

 private:
  int query_begin(int request) const { return batch_.query_start_loc.data<int32_t>()[request]; }
  int num_tiles(int request) const {
    return ceil_div(query_begin(request + 1) - query_begin(request), tile_tokens_);
  }

  // One token each, and no block becomes full: a request may share a full block in the very step
  // that computes its last token.
  bool reads_no_other_token() const {
    if (batch_.num_tokens != batch_.num_reqs) return false;
    if (batch_.num_reqs == 1) return true;
    const auto* slots = batch_.slot_mapping.data<int32_t>();
    for (int request = 0; request < batch_.num_reqs; ++request) {
      if (query_begin(request) != request) return false;
      if ((slots[request] + 1) % batch_.block_size == 0) return false;
    }
    return true;
  }

  void prepare_token(int64_t token, int first_kv_head, int last_kv_head) const {
    const int slot = batch_.slot_mapping.data<int32_t>()[token];
    const int position = batch_.positions.data<int32_t>()[token];
    const int64_t block = slot / batch_.block_size;
    const int offset = slot % batch_.block_size;
    const auto weight_of = [](const Tensor& weight) {
      return weight.defined() ? weight.data<float>() : nullptr;
    };
    const auto prepare = is_bfloat16_ ? kernels().prepare_bfloat16 : kernels().prepare_float32;
    prepare({
        .qkv = row_of<float>(qkv_, token),
        .num_heads = params_.num_heads,
        .num_kv_heads = params_.num_kv_heads,
        .first_kv_head = first_kv_head,
        .last_kv_head = last_kv_head,
        .head_dim = params_.head_dim,
        .q_norm_weight = weight_of(params_.q_norm_weight),
        .k_norm_weight = weight_of(params_.k_norm_weight),
        .norm_eps = params_.qk_norm_eps,
        .cos_sin = row_of<float>(params_.rope.cos_sin, position),
        .rotary_dim = params_.rope.rotary_dim,
        .cache =
            cache_ + block * layout_.block_bytes + offset / kPanelWidth * 2 * layout_.keys_bytes,
        .head_bytes = layout_.head_bytes,
        .slot = offset % kPanelWidth,
    });
  }

  // Items are numbered request by request. A thread's items only grow, so it finds the request of
  // its next one by walking on from the last.
  void attend_items(int thread_idx) {
    const int items_per_tile = params_.num_kv_heads * num_head_parts_;
    int64_t first_item = 0;
    int request = 0;
    for (int64_t item = thread_idx;; item = next_item_.fetch_add(1, std::memory_order_relaxed)) {
      while (request < batch_.num_reqs &&
             item >= first_item + int64_t{num_tiles(request)} * items_per_tile) {
        first_item += int64_t{num_tiles(request)} * items_per_tile;
        ++request;
      }
      if (request == batch_.num_reqs) return;
      const auto in_request = static_cast<int>(item - first_item);
      const int tile = num_tiles(request) - 1 - in_request / items_per_tile;  // longest first
      attend_item(request, tile, in_request % items_per_tile, thread_idx);
    }
  }

  void attend_item(int request, int tile, int head_item, int thread_idx) const {
    const int group_size = params_.num_heads / params_.num_kv_heads;
    const int kv_head = head_item / num_head_parts_;
    const Range heads = share_of(group_size, head_item % num_head_parts_, num_head_parts_);
    const int num_queries = query_begin(request + 1) - query_begin(request);
    const int token = tile * tile_tokens_;
    const int computed = batch_.seq_lens.data<int32_t>()[request] - num_queries;
    const int64_t row = query_begin(request) + token;
    const int64_t column = (kv_head * group_size + heads.begin) * params_.head_dim;
    if (items_prepare_) prepare_token(row, kv_head, kv_head + 1);
    const auto attend = is_bfloat16_ ? kernels().attend_bfloat16 : kernels().attend_float32;
    attend({
        .q = row_of<float>(qkv_, row) + column,
        .q_stride = qkv_.stride(0),
        .out = row_of<float>(out_, row) + column,
        .out_stride = out_.stride(0),
        .num_tokens = std::min(tile_tokens_, num_queries - token),
        .num_heads = static_cast<int>(heads.end - heads.begin),
        .head_dim = params_.head_dim,
        .first_position = computed + token,
        .window = params_.sliding_window.value_or(0),
        .scale = params_.scale,
        .softcap = params_.logits_softcap,
        .block_table = row_of<int32_t>(batch_.block_table, request),
        .groups_per_block = batch_.block_size / kPanelWidth,
        .cache = cache_ + kv_head * layout_.head_bytes,
        .block_bytes = layout_.block_bytes,
        .scratch = scratch_ + thread_idx * scratch_floats_,
    });
  }

  ThreadPool& pool_;
  const AttentionParams& params_;
  const PagedBatch& batch_;
  Tensor qkv_;
  Tensor out_;
  std::byte* cache_;
  bool is_bfloat16_;
  CacheLayout layout_;
  int tile_tokens_ = 1;
  int num_head_parts_ = 1;
  int64_t scratch_floats_ = 0;
  float* scratch_ = nullptr;
  bool items_prepare_ = false;
  alignas(64) std::atomic<int64_t> next_item_{0};  // a line that is written by all
};

}  // namespace

size_t kv_cache_bytes(int num_blocks, int block_size, int num_kv_heads, int head_dim, DType dtype) {
  const CacheLayout layout(block_size, num_kv_heads, head_dim, dtype);
  return static_cast<size_t>(num_blocks) * layout.block_bytes;
}

void paged_attention(
    const Stream& stream,
    const AttentionParams& params,
    const PagedBatch& batch,
    const Tensor& qkv,
    const Tensor& kv_cache,
    const Tensor& out
) {
  if (batch.num_tokens == 0) return;
  stream.pool().start<AttentionCall>(stream.pool(), params, batch, qkv, kv_cache, out);
  if (!stream.is_async) stream.synchronize();
}

}  // namespace quire::cpu
