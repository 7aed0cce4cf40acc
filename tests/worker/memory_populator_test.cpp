#include "worker/memory_populator.h"

#include <algorithm>
#include <cstdint>
#include <fstream>

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tensor/storage.h"

namespace quire {
namespace {

constexpr size_t kNumBytes = size_t{16} << 20;

size_t num_resident_bytes(const Storage& storage) {
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  std::vector<unsigned char> is_resident(storage.num_bytes() / page);
  EXPECT_EQ(mincore(storage.data(), storage.num_bytes(), is_resident.data()), 0);
  size_t number = 0;
  for (const unsigned char flag : is_resident)
    number += (flag & 1) != 0 ? page : 0;
  return number;
}

TEST(MemoryPopulatorTest, TakesAllPagesAndLeavesTheirContents) {
  const Storage storage(kNumBytes);
  auto* bytes = static_cast<std::byte*>(storage.data());
  bytes[5] = std::byte{42};
  ASSERT_LT(num_resident_bytes(storage), kNumBytes) << "memory is taken as it is used";
  MemoryPopulator populator({{bytes, kNumBytes}});
  populator.wait();
  if (populator.num_populated_bytes() == 0) {
    GTEST_SKIP() << "this kernel has no MADV_POPULATE_WRITE";
  }
  EXPECT_EQ(populator.num_populated_bytes(), kNumBytes);
  EXPECT_EQ(num_resident_bytes(storage), kNumBytes);
  EXPECT_EQ(bytes[5], std::byte{42});
  EXPECT_EQ(bytes[kNumBytes - 1], std::byte{0});
}

TEST(ReleaseMemoryTest, GivesWholePagesBackAndLeavesTheEnds) {
  const Storage storage(kNumBytes);
  auto* bytes = static_cast<std::byte*>(storage.data());
  std::fill_n(bytes, kNumBytes, std::byte{42});
  ASSERT_EQ(num_resident_bytes(storage), kNumBytes);
  release_memory({bytes + 1, kNumBytes - 2});
  EXPECT_LE(num_resident_bytes(storage), 2 * static_cast<size_t>(sysconf(_SC_PAGESIZE)));
  EXPECT_EQ(bytes[0], std::byte{42});
  EXPECT_EQ(bytes[kNumBytes - 1], std::byte{42});
  EXPECT_EQ(bytes[kNumBytes / 2], std::byte{0});
}

TEST(MemoryPopulatorTest, StopsWhenItsOwnerGoes) {
  const Storage storage(size_t{4} << 30);
  auto* bytes = static_cast<std::byte*>(storage.data());
  { const MemoryPopulator populator({{bytes, storage.num_bytes()}}); }
  EXPECT_LT(num_resident_bytes(storage), storage.num_bytes());
}

}  // namespace
}  // namespace quire
