#include "server/random_id.h"

#include <array>
#include <cstdint>
#include <set>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace quire::server {
namespace {

// The number whose digits were written lowest first.
uint64_t number_of(const std::string& hex) {
  uint64_t number = 0;
  for (size_t i = hex.size(); i-- > 0;)
    number = number << 4 | static_cast<uint64_t>(std::stoi(hex.substr(i, 1), nullptr, 16));
  return number;
}

// mt19937_64's state word behind an output: its tempering, backwards.
uint64_t untemper(uint64_t x) {
  x ^= x >> 43;
  x ^= (x << 37) & 0xFFF7EEE000000000u;
  uint64_t y = x;
  for (int i = 0; i < 4; ++i)
    y = x ^ ((y << 17) & 0x71D67FFFEDA60000u);
  x = y;
  for (int i = 0; i < 3; ++i)
    y = x ^ ((y >> 29) & 0x5555555555555555u);
  return y;
}

uint64_t temper(uint64_t x) {
  x ^= (x >> 29) & 0x5555555555555555u;
  x ^= (x << 17) & 0x71D67FFFEDA60000u;
  x ^= (x << 37) & 0xFFF7EEE000000000u;
  return x ^ (x >> 43);
}

TEST(RandomIdTest, HasTheDigitsThatWereAskedFor) {
  for (const size_t num_digits : {0, 1, 8, 32, 1000}) {
    const std::string id = random_hex(num_digits);
    EXPECT_EQ(id.size(), num_digits);
    EXPECT_EQ(id.find_first_not_of("0123456789abcdef"), std::string::npos) << id;
  }
}

TEST(RandomIdTest, UsesAllDigitsEverywhere) {
  constexpr size_t kNumDigits = 32;
  std::array<std::set<char>, kNumDigits> seen;
  for (int i = 0; i < 2000; ++i) {
    const std::string id = random_hex(kNumDigits);
    for (size_t place = 0; place < kNumDigits; ++place)
      seen[place].insert(id[place]);
  }
  for (const auto& digits : seen)
    EXPECT_EQ(digits.size(), 16u);
}

TEST(RandomIdTest, IsAnotherOnEveryThread) {
  std::vector<std::string> ids(4);
  {
    std::vector<std::jthread> threads;
    for (std::string& id : ids)
      threads.emplace_back([&id] { id = random_hex(32); });
  }
  EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), ids.size());
}

// A generator that shows its outputs can be followed, once one period of its state was seen.
TEST(RandomIdTest, CannotBeTakenForAMersenneTwister) {
  constexpr size_t kStateWords = 312;
  constexpr size_t kMiddle = 156;
  constexpr uint64_t kUpper = 0xFFFFFFFF80000000u;
  std::vector<uint64_t> words;
  for (size_t i = 0; i < kStateWords; ++i)
    words.push_back(untemper(number_of(random_hex(16))));
  const uint64_t mixed = (words[0] & kUpper) | (words[1] & ~kUpper);
  const uint64_t next = words[kMiddle] ^ (mixed >> 1) ^ (mixed % 2 == 0 ? 0 : 0xB5026F5AA96619E9u);
  EXPECT_NE(number_of(random_hex(16)), temper(next));
}

}  // namespace
}  // namespace quire::server
