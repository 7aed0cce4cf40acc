#include "backend/cpu/isa/table.h"
#include "backend/cpu/isa/vec_avx2.h"

namespace quire::cpu {

const KernelTable& avx2_kernels() {
  return kKernelTable<VecAvx2>;
}

}  // namespace quire::cpu
