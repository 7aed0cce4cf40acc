#pragma once

#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "backend/cpu_isa.h"
#include "support/reference_ops.h"
#include "tensor/half.h"
#include "tensor/storage.h"
#include "tensor/stream.h"

namespace quire {

inline std::vector<cpu::IsaLevel> available_isas() {
  std::vector<cpu::IsaLevel> levels;
  for (const auto isa : {cpu::IsaLevel::kGeneric, cpu::IsaLevel::kAvx2, cpu::IsaLevel::kAvx512}) {
    if (cpu::is_isa_available(isa)) levels.push_back(isa);
  }
  return levels;
}

inline std::string isa_test_name(const testing::TestParamInfo<cpu::IsaLevel>& info) {
  return std::string(cpu::isa_name(info.param));
}

// A test that runs once per instruction set of this CPU.
class OpTest : public testing::TestWithParam<cpu::IsaLevel> {
 protected:
  void SetUp() override {
    cpu::select_isa(GetParam());
    ASSERT_EQ(cpu::current_isa(), GetParam());
  }
  void TearDown() override { cpu::select_isa("auto"); }

  ThreadPool pool_{2};
  Stream stream_ = Stream::cpu(pool_);
};

#define QUIRE_OP_TEST(suite) \
  INSTANTIATE_TEST_SUITE_P(Isa, suite, testing::ValuesIn(available_isas()), isa_test_name)

// A tensor and its memory.
struct OwnedTensor {
  Storage storage;
  Tensor tensor;

  OwnedTensor(DType dtype, int64_t num_rows, int64_t num_columns)
      : storage(Storage::for_tensor(dtype, {num_rows, num_columns})),
        tensor(storage.tensor(dtype, {num_rows, num_columns})) {}
};

// Uniform in [-1, 1), rounded to dtype.
inline OwnedTensor random_tensor(DType dtype, int64_t num_rows, int64_t num_columns, int seed) {
  OwnedTensor result(dtype, num_rows, num_columns);
  std::mt19937 generator(seed);
  std::uniform_real_distribution<float> uniform(-1.0f, 1.0f);
  for (int64_t i = 0; i < num_rows * num_columns; ++i) {
    const float value = uniform(generator);
    if (dtype == DType::kBFloat16) {
      result.tensor.data<BFloat16>()[i] = to_bfloat16(value);
    } else {
      result.tensor.data<float>()[i] = value;
    }
  }
  return result;
}

// What no kernel has written stays NaN.
inline OwnedTensor poisoned_tensor(int64_t num_rows, int64_t num_columns) {
  OwnedTensor result(DType::kFloat32, num_rows, num_columns);
  std::fill_n(
      result.tensor.data<float>(), num_rows * num_columns, std::numeric_limits<float>::quiet_NaN()
  );
  return result;
}

inline std::vector<float> to_vector(const Tensor& tensor) {
  return {tensor.data<float>(), tensor.data<float>() + tensor.num_elements()};
}

inline bool is_bitwise_equal(const float* a, const float* b, int64_t count) {
  return std::memcmp(a, b, count * sizeof(float)) == 0;
}

}  // namespace quire
