#include "attention/attention_backend.h"
#include "base/check.h"

namespace quire {
namespace {

// The kernel works from the batch as it is, so a plan is a checked copy of it.
class CpuAttention final : public AttentionBackend {
 public:
  CpuAttention(const KVCacheSpec& spec, int max_model_len)
      : spec_(spec), max_model_len_(max_model_len) {}

  void plan(const Stream&, const PagedBatch& batch) override {
    QUIRE_CHECK(batch.block_size == spec_.block_size, "block_size={}", batch.block_size);
    const auto* query_start_loc = batch.query_start_loc.data<int32_t>();
    const auto* seq_lens = batch.seq_lens.data<int32_t>();
    for (int request = 0; request < batch.num_reqs; ++request) {
      const int num_queries = query_start_loc[request + 1] - query_start_loc[request];
      QUIRE_CHECK(
          num_queries >= 0 && num_queries <= seq_lens[request] &&
              seq_lens[request] <= max_model_len_ &&
              seq_lens[request] <= batch.block_table.size(1) * spec_.block_size,
          "request {} of the batch: {} queries, seq_len {}, max_model_len {}, {} blocks of {}",
          request,
          num_queries,
          seq_lens[request],
          max_model_len_,
          batch.block_table.size(1),
          spec_.block_size
      );
    }
    batch_ = batch;
  }

  void run(
      const Stream& stream,
      const AttentionParams& params,
      const Tensor& qkv,
      const Tensor& kv_cache,
      const Tensor& out
  ) override {
    // The window is the layer's own: layers with and without one may share a group.
    QUIRE_CHECK(
        params.num_kv_heads == spec_.num_kv_heads && params.head_dim == spec_.head_dim &&
            kv_cache.dtype() == spec_.dtype,
        "a layer of {} kv heads of {} in a group of {} of {}",
        params.num_kv_heads,
        params.head_dim,
        spec_.num_kv_heads,
        spec_.head_dim
    );
    ops::paged_attention(stream, params, batch_, qkv, kv_cache, out);
  }

 private:
  KVCacheSpec spec_;
  int max_model_len_;
  PagedBatch batch_;
};

}  // namespace

std::unique_ptr<AttentionBackend> make_cpu_attention(const KVCacheSpec& spec, int max_model_len) {
  return std::make_unique<CpuAttention>(spec, max_model_len);
}

}  // namespace quire
