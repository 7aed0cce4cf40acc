#include "backend/cpu/isa/vec_avx2.h"
#include "bench/ops/peak_kernels.h"

namespace quire::bench {

const PeakKernels& avx2_peak_kernels() {
  return kPeakKernels<cpu::VecAvx2>;
}

}  // namespace quire::bench
