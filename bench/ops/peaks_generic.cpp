#include "backend/cpu/isa/vec_generic.h"
#include "bench/ops/peak_kernels.h"

namespace quire::bench {

const PeakKernels& generic_peak_kernels() {
  return kPeakKernels<cpu::VecGeneric>;
}

}  // namespace quire::bench
