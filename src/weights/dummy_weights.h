#pragma once

#include <cstdint>
#include <string_view>

#include "tensor/tensor.h"

namespace quire {

// Made-up weights of --load-format dummy.
struct DummyWeights {
  DType dtype = DType::kBFloat16;  // float32 or bfloat16
  uint64_t seed = 0;
};

// Fills `out` with values that depend on seed, name and place only: uniform around 1 for norms,
// around 0 for the rest, narrow enough that activations keep their size through a matrix.
void fill_dummy_weight(const DummyWeights& dummy, std::string_view name, const Tensor& out);

}  // namespace quire
