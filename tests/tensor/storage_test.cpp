#include "tensor/storage.h"

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <utility>

#include <gtest/gtest.h>

#include "quire/error.h"

namespace quire {
namespace {

constexpr size_t kMiB = size_t{1} << 20;

TEST(Storage, IsZeroedAndAlignedInEverySize) {
  for (const size_t num_bytes : {size_t{1}, size_t{100}, kMiB - 1, kMiB, 3 * kMiB + 5}) {
    const Storage storage(num_bytes);
    ASSERT_NE(storage.data(), nullptr);
    EXPECT_EQ(storage.num_bytes(), num_bytes);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(storage.data()) % 64, 0u);
    auto* bytes = static_cast<uint8_t*>(storage.data());
    EXPECT_TRUE(std::all_of(bytes, bytes + num_bytes, [](uint8_t byte) { return byte == 0; }));
    std::fill(bytes, bytes + num_bytes, uint8_t{1});  // all of it is ours
  }
}

TEST(Storage, StartsLargePiecesAtAHugePage) {
  const Storage storage(5 * kMiB);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(storage.data()) % (2 * kMiB), 0u);
}

// Bytes of this process that are in memory.
int64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  int64_t total_pages = 0;
  int64_t resident_pages = 0;
  statm >> total_pages >> resident_pages;
  return resident_pages * 4096;
}

TEST(Storage, TakesMemoryOnlyWhenItIsTouched) {
  constexpr auto kBytes = static_cast<int64_t>(1024 * kMiB);
  const int64_t before = resident_bytes();
  ASSERT_GT(before, 0);
  const Storage storage(kBytes);
  static_cast<uint8_t*>(storage.data())[kBytes - 1] = 1;
  EXPECT_EQ(static_cast<uint8_t*>(storage.data())[kBytes - 1], 1);
  EXPECT_LT(resident_bytes() - before, kBytes / 8);
}

TEST(Storage, HandsItsMemoryOverWhenMoved) {
  Storage first(100);
  void* data = first.data();
  Storage second(std::move(first));
  EXPECT_EQ(second.data(), data);
  EXPECT_EQ(first.data(), nullptr);
  Storage third(2 * kMiB);
  third = std::move(second);
  EXPECT_EQ(third.data(), data);
  EXPECT_EQ(third.num_bytes(), 100u);
  EXPECT_EQ(second.num_bytes(), 0u);
}

TEST(Storage, GivesViewsThatItCanHold) {
  const Storage storage = Storage::for_tensor(DType::kBFloat16, {3, 5});
  EXPECT_EQ(storage.num_bytes(), 30u);
  EXPECT_EQ(storage.tensor(DType::kBFloat16, {5, 3}).data<void>(), storage.data());
  EXPECT_THROW((void)storage.tensor(DType::kFloat32, {5, 3}), InternalError);
  EXPECT_EQ(Storage(0).data(), nullptr);
}

TEST(Storage, SaysWhatItCouldNotGet) {
  EXPECT_THROW(Storage(size_t{1} << 60), EnvironmentError);
  EXPECT_THROW(Storage(64, Device{DeviceType::kCuda, 0}), EnvironmentError);
}

}  // namespace
}  // namespace quire
