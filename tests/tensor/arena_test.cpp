#include "tensor/arena.h"

#include <gtest/gtest.h>

namespace quire {
namespace {

TEST(Arena, PlacesTensorsOneAfterTheOtherAtCacheLines) {
  Arena arena(1024);
  const Tensor first = arena.allocate(DType::kFloat32, {3});
  const Tensor second = arena.allocate(DType::kBFloat16, {4, 10});
  EXPECT_EQ(second.data<char>() - first.data<char>(), 64);
  EXPECT_EQ(arena.used_bytes(), 192u);
  EXPECT_EQ(
      arena.used_bytes(),
      Arena::bytes_for(DType::kFloat32, 3) + Arena::bytes_for(DType::kBFloat16, 40)
  );
}

TEST(Arena, GivesTheSameAddressesInEveryStep) {
  Arena arena(1024);
  void* first = arena.allocate(DType::kFloat32, {2, 8}).raw();
  arena.reset();
  EXPECT_EQ(arena.used_bytes(), 0u);
  EXPECT_EQ(arena.allocate(DType::kFloat32, {2, 8}).raw(), first);
}

TEST(Arena, TakesBackAtTheEndOfAScopeWhatTheScopeTook) {
  Arena arena(1024);
  arena.allocate(DType::kFloat32, {16});
  {
    const Arena::Scope scope(arena);
    arena.allocate(DType::kFloat32, {32});
    EXPECT_EQ(arena.used_bytes(), 192u);
  }
  EXPECT_EQ(arena.used_bytes(), 64u);
}

TEST(Arena, FailsWhenItIsFullAndStaysUsable) {
  Arena arena(128);
  arena.allocate(DType::kFloat32, {16});
  EXPECT_THROW((void)arena.allocate(DType::kFloat32, {17}), InternalError);
  EXPECT_NO_THROW((void)arena.allocate(DType::kFloat32, {16}));
  EXPECT_NO_THROW((void)arena.allocate(DType::kFloat32, {0, 16}));
}

}  // namespace
}  // namespace quire
