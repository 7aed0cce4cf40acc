#include "ops/attention.h"

#include "backend/dispatch.h"
#include "ops/checks.h"

namespace quire::ops {
namespace {

constexpr int kCpuGroup = 16;  // tokens that the CPU's cache keeps together
constexpr int kMaxHeadDim = 512;

void check_params(const AttentionParams& params) {
  QUIRE_CHECK(
      params.num_kv_heads > 0 && params.num_heads % params.num_kv_heads == 0,
      "num_heads={} num_kv_heads={}",
      params.num_heads,
      params.num_kv_heads
  );
  const int head_dim = params.head_dim;
  const int rotary_dim = params.rope.rotary_dim;
  QUIRE_CHECK(
      head_dim > 0 && head_dim <= kMaxHeadDim && head_dim % 2 == 0, "head_dim={}", head_dim
  );
  QUIRE_CHECK(
      rotary_dim >= 0 && rotary_dim <= head_dim && rotary_dim % 2 == 0, "rotary_dim={}", rotary_dim
  );
  const Tensor& cos_sin = params.rope.cos_sin;
  check_matrix(cos_sin, "cos_sin", DType::kFloat32, cos_sin.size(0), rotary_dim);
  for (const Tensor* weight : {&params.q_norm_weight, &params.k_norm_weight}) {
    if (weight->defined()) check_vector(*weight, "qk_norm_weight", DType::kFloat32, head_dim);
  }
  QUIRE_CHECK(params.sliding_window.value_or(1) > 0, "sliding_window={}", *params.sliding_window);
}

void check_batch(const PagedBatch& batch) {
  check_vector(batch.query_start_loc, "query_start_loc", DType::kInt32, batch.num_reqs + 1);
  check_vector(batch.seq_lens, "seq_lens", DType::kInt32, batch.num_reqs);
  check_vector(batch.positions, "positions", DType::kInt32, batch.num_tokens);
  check_vector(batch.slot_mapping, "slot_mapping", DType::kInt32, batch.num_tokens);
  check_matrix(batch.block_table, "block_table", DType::kInt32);
  QUIRE_CHECK(batch.block_table.size(0) == batch.num_reqs);
}

}  // namespace

size_t kv_cache_bytes(int num_blocks, int block_size, int num_kv_heads, int head_dim, DType dtype) {
  QUIRE_CHECK(block_size > 0 && block_size % kCpuGroup == 0, "block_size={}", block_size);
  return cpu::kv_cache_bytes(num_blocks, block_size, num_kv_heads, head_dim, dtype);
}

void paged_attention(
    const Stream& stream,
    const AttentionParams& params,
    const PagedBatch& batch,
    const Tensor& qkv,
    const Tensor& kv_cache,
    const Tensor& out
) {
  check_params(params);
  check_batch(batch);
  const int64_t width = (params.num_heads + 2 * params.num_kv_heads) * params.head_dim;
  check_matrix(qkv, "qkv", DType::kFloat32, batch.num_tokens, width);
  const int64_t out_width = params.num_heads * params.head_dim;
  check_matrix(out, "out", DType::kFloat32, batch.num_tokens, out_width);
  QUIRE_CHECK(is_weight_dtype(kv_cache.dtype()), "kv_cache: {}", dtype_name(kv_cache.dtype()));
  const size_t block_bytes =
      kv_cache_bytes(1, batch.block_size, params.num_kv_heads, params.head_dim, kv_cache.dtype());
  QUIRE_CHECK(
      kv_cache.is_contiguous() && kv_cache.num_bytes() % block_bytes == 0,
      "kv_cache: {}, not a multiple of {} bytes",
      kv_cache.shape_string(),
      block_bytes
  );
  dispatch(stream, cpu::paged_attention, cuda::paged_attention, params, batch, qkv, kv_cache, out);
}

}  // namespace quire::ops
