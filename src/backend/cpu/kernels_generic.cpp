#include "backend/cpu/isa/table.h"
#include "backend/cpu/isa/vec_generic.h"

namespace quire::cpu {

const KernelTable& generic_kernels() {
  return kKernelTable<VecGeneric>;
}

}  // namespace quire::cpu
