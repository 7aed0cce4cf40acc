#include "backend/cpu/isa/table.h"
#include "backend/cpu/isa/vec_avx512.h"

namespace quire::cpu {

const KernelTable& avx512_kernels() {
  return kKernelTable<VecAvx512>;
}

}  // namespace quire::cpu
