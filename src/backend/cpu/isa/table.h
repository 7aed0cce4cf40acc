#pragma once

#include "backend/cpu/isa/attention.h"
#include "backend/cpu/isa/gemm.h"
#include "backend/cpu/isa/rows.h"
#include "backend/cpu/isa/sampling_rows.h"
#include "backend/cpu/kernel_table.h"

namespace quire::cpu {

// Everything in isa/ is a template over the Vec type, so that no function compiled for one
// instruction set can be merged by the linker with one compiled for another.
template <class V>
inline constexpr KernelTable kKernelTable{
    .gemm_float32 = gemm<V, Float32Panel<V>>,
    .gemm_bfloat16 = gemm<V, BFloat16Panel<V>>,
    .store = store<V>,
    .rms_norm = rms_norm<V>,
    .rms_norm_add = rms_norm_add<V>,
    .silu_mul = silu_mul<V>,
    .gelu_tanh_mul = gelu_tanh_mul<V>,
    .scale_float32 = scale_float32<V>,
    .scale_bfloat16 = scale_bfloat16<V>,
    .prepare_float32 = prepare<V, Float32Cache<V>>,
    .prepare_bfloat16 = prepare<V, BFloat16Cache<V>>,
    .attend_float32 = attend<V, Float32Cache<V>>,
    .attend_bfloat16 = attend<V, BFloat16Cache<V>>,
    .row_max = row_max<V>,
    .row_argmax = row_argmax<V>,
    .sum_weights = sum_weights<V>,
    .weigh = weigh<V>,
    .count_at_least = count_at_least<V>,
    .race_chunk = race_chunk<V>,
};

}  // namespace quire::cpu
