#include "backend/cpu/isa/vec_avx512.h"
#include "bench/ops/peak_kernels.h"

namespace quire::bench {

const PeakKernels& avx512_peak_kernels() {
  return kPeakKernels<cpu::VecAvx512>;
}

}  // namespace quire::bench
