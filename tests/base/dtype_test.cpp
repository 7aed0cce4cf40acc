#include "base/dtype.h"

#include <gtest/gtest.h>

namespace quire {
namespace {

TEST(DType, NamesOfFloatsAreReadAsTheyAreWritten) {
  for (const DType dtype : {DType::kFloat32, DType::kBFloat16, DType::kFloat16}) {
    EXPECT_EQ(parse_dtype(dtype_name(dtype)), dtype) << dtype_name(dtype);
  }
}

TEST(DType, VllmsShortNamesAreKnown) {
  EXPECT_EQ(parse_dtype("float"), DType::kFloat32);
  EXPECT_EQ(parse_dtype("half"), DType::kFloat16);
}

TEST(DType, OtherNamesAreNone) {
  for (const char* name : {"", "Float32", "fp32", "float64", "torch.bfloat16"}) {
    EXPECT_EQ(parse_dtype(name), std::nullopt) << name;
  }
}

TEST(DType, SizesAreBytesOfOneElement) {
  EXPECT_EQ(dtype_size(DType::kFloat32), 4U);
  EXPECT_EQ(dtype_size(DType::kBFloat16), 2U);
  EXPECT_EQ(dtype_size(DType::kFloat16), 2U);
  EXPECT_EQ(dtype_size(DType::kInt64), 8U);
  EXPECT_EQ(dtype_size(DType::kUInt8), 1U);
}

}  // namespace
}  // namespace quire
