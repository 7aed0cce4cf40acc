#pragma once

#include <cstddef>
#include <cstdint>

#include "backend/cpu_isa.h"
#include "backend/sampling_rows.h"

// The innermost loops, compiled once per instruction set from the templates in isa/. They see
// pointers and sizes only. Which tile or unroll a kernel picks never changes a result: each output
// is one sequential sum, so rows come out the same alone and in a batch.
namespace quire::cpu {

// c = a · panels over k, or c += it when the sums of a smaller k stand there (`resume`).
struct GemmArgs {
  const float* a = nullptr;  // [num_rows, k], rows lda apart
  int64_t lda = 0;
  int num_rows = 0;
  const std::byte* panels = nullptr;  // the first line of the first panel
  int64_t panel_stride = 0;  // bytes
  int num_panels = 0;
  int64_t k = 0;
  float* c = nullptr;  // [num_rows, num_panels * 16], rows ldc apart
  int64_t ldc = 0;
  bool resume = false;
};

// out = (accumulate ? out : 0) + softcap(sums + bias)
struct StoreArgs {
  const float* sums = nullptr;  // [num_rows, round_up(num_columns, 16)], rows ld_sums apart
  int64_t ld_sums = 0;
  float* out = nullptr;  // [num_rows, num_columns], rows ld_out apart
  int64_t ld_out = 0;
  int num_rows = 0;
  int64_t num_columns = 0;
  const float* bias = nullptr;  // [num_columns]; nullptr: none
  bool accumulate = false;
  float softcap = 0.0f;  // 0: off
};

// One token: norm of its query and key heads, rope, keys and values into the cache.
struct PrepareArgs {
  float* qkv = nullptr;  // [(num_heads + 2 * num_kv_heads) * head_dim], overwritten
  int num_heads = 0;
  int num_kv_heads = 0;
  int first_kv_head = 0;  // kv heads [first, last) and their query heads
  int last_kv_head = 0;
  int head_dim = 0;
  const float* q_norm_weight = nullptr;  // [head_dim]; nullptr: none
  const float* k_norm_weight = nullptr;
  float norm_eps = 0.0f;
  const float* cos_sin = nullptr;  // [rotary_dim] of the token's position
  int rotary_dim = 0;
  std::byte* cache = nullptr;  // the token's group of 16 slots, kv head 0
  int64_t head_bytes = 0;  // from one kv head to the next
  int slot = 0;  // in the group
};

// Query rows that share a kv head: num_tokens neighbouring tokens of a request times num_heads
// query heads. Keys and values are read group by group in the order of positions.
struct AttendArgs {
  const float* q = nullptr;  // [num_tokens, num_heads * head_dim]
  int64_t q_stride = 0;  // between tokens
  float* out = nullptr;  // the same shape
  int64_t out_stride = 0;
  int num_tokens = 0;
  int num_heads = 0;
  int head_dim = 0;
  int first_position = 0;  // of the first token in its sequence
  int window = 0;  // positions a token sees, itself included; 0: all
  float scale = 0.0f;
  float softcap = 0.0f;
  const int32_t* block_table = nullptr;
  int groups_per_block = 0;
  const std::byte* cache = nullptr;  // block 0 of the kv head
  int64_t block_bytes = 0;
  float* scratch = nullptr;  // attend_scratch_floats()
};

inline constexpr int kMaxAttendRows = 48;  // num_tokens * num_heads of one call
inline constexpr int kAttendChunk = 128;  // positions between two updates of the running maximum
inline constexpr int kMaxHeadDim = 512;

// Query, accumulator, scores, 16 partial sums and a maximum per row.
inline constexpr int64_t attend_scratch_floats(int padded_head_dim) {
  return int64_t{kMaxAttendRows} * (2 * padded_head_dim + kAttendChunk + 16 + 16);
}

struct KernelTable {
  void (*gemm_float32)(const GemmArgs&);
  void (*gemm_bfloat16)(const GemmArgs&);
  void (*store)(const StoreArgs&);
  void (*rms_norm)(const float* x, const float* weight, float eps, int64_t size, float* out);
  void (*rms_norm_add)(const float* x, const float* weight, float eps, int64_t size, float* out);
  void (*silu_mul)(const float* gate, const float* up, int64_t size, float* out);
  void (*gelu_tanh_mul)(const float* gate, const float* up, int64_t size, float* out);
  void (*scale_float32)(const float* x, float scale, int64_t size, float* out);
  void (*scale_bfloat16)(const uint16_t* x, float scale, int64_t size, float* out);
  void (*prepare_float32)(const PrepareArgs&);
  void (*prepare_bfloat16)(const PrepareArgs&);
  void (*attend_float32)(const AttendArgs&);
  void (*attend_bfloat16)(const AttendArgs&);
  float (*row_max)(const float* x, int64_t size);
  int64_t (*row_argmax)(const float* x, int64_t size);
  double (*sum_weights)(const float* x, int64_t size, const Weighing& weighing);
  void (*weigh)(const float* x, int64_t size, const Weighing& weighing, float* out);
  int64_t (*count_at_least)(const float* x, int64_t size, float bound);
  // Fills words [kRaceChunk]; false: no token of the chunk can be faster than speed_to_beat.
  bool (*race_chunk)(const RaceChunk& chunk, const float* weights, uint32_t* words);
};

const KernelTable& kernels();  // of the instruction set in use

// One per file kernels_<isa>.cpp; only those of the build's architecture exist.
const KernelTable& generic_kernels();
const KernelTable& avx2_kernels();
const KernelTable& avx512_kernels();

}  // namespace quire::cpu
