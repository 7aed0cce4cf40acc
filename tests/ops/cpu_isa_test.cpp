#include "backend/cpu_isa.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backend/cpu/kernel_table.h"
#include "quire/error.h"

namespace quire {
namespace {

TEST(CpuIsa, TakesTheKernelsOfTheNameGiven) {
  cpu::select_isa("generic");
  EXPECT_EQ(cpu::current_isa(), cpu::IsaLevel::kGeneric);
  EXPECT_EQ(&cpu::kernels(), &cpu::generic_kernels());
  cpu::select_isa("auto");
}

TEST(CpuIsa, TakesTheBestOfTheCpuForAuto) {
  cpu::select_isa("generic");
  cpu::select_isa("auto");
  for (const auto isa : {cpu::IsaLevel::kAvx2, cpu::IsaLevel::kAvx512}) {
    EXPECT_TRUE(!cpu::is_isa_available(isa) || cpu::current_isa() >= isa);
  }
  EXPECT_TRUE(cpu::is_isa_available(cpu::current_isa()));
}

TEST(CpuIsa, RefusesAnUnknownNameAndListsTheKnownOnes) {
  try {
    cpu::select_isa("sse9");
    FAIL() << "accepted";
  } catch (const InvalidArgument& error) {
    EXPECT_EQ(error.field(), "cpu_isa");
    EXPECT_THAT(error.what(), testing::HasSubstr("sse9"));
    EXPECT_THAT(error.what(), testing::HasSubstr("auto, generic, avx2 or avx512"));
  }
}

TEST(CpuIsa, StaysWhatALivingEngineUses) {
  {
    const cpu::IsaLease lease("generic");
    const cpu::IsaLease second("auto");
    EXPECT_EQ(cpu::current_isa(), cpu::IsaLevel::kGeneric) << "auto takes what is in use";
    for (const auto isa : {cpu::IsaLevel::kAvx2, cpu::IsaLevel::kAvx512}) {
      if (!cpu::is_isa_available(isa)) continue;
      EXPECT_THROW(cpu::select_isa(isa), InvalidArgument);
      EXPECT_THROW(cpu::IsaLease(cpu::isa_name(isa)), InvalidArgument);
    }
    EXPECT_EQ(cpu::current_isa(), cpu::IsaLevel::kGeneric);
  }
  cpu::select_isa("auto");
  EXPECT_EQ(cpu::current_isa(), cpu::find_isa("auto")) << "nobody holds it any more";
}

TEST(CpuIsa, SpellsNamesAsTheOptionDoes) {
  EXPECT_EQ(cpu::isa_name(cpu::IsaLevel::kGeneric), "generic");
  EXPECT_EQ(cpu::isa_name(cpu::IsaLevel::kAvx2), "avx2");
  EXPECT_EQ(cpu::isa_name(cpu::IsaLevel::kAvx512), "avx512");
}

}  // namespace
}  // namespace quire
