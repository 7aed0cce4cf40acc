#include <atomic>
#include <cstdlib>
#include <new>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "support/test_paths.h"
#include "text/incremental_detokenizer.h"

// A program of its own, because it replaces operator new.
namespace {

std::atomic<int> num_allocations = 0;

}  // namespace

// Not inlined: the compiler would see free() of what operator new gave.
[[gnu::noinline]] void* operator new(size_t size) {
  ++num_allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept {
  std::free(memory);
}

namespace quire {
namespace {

TEST(IncrementalDetokenizer, AllocatesNothingPerToken) {
  for (const auto& file :
       {test::bundled_models_dir() / "small-chat/tokenizer.json",
        test::test_data_dir() / "models/stories260K/tokenizer.json",
        test::test_data_dir() / "text/bert/tokenizer.json"}) {
    const auto tokenizer = Tokenizer::from_file(file);
    std::vector<int32_t> ids;
    for (int32_t id = 0; id < 10'000; ++id)
      ids.push_back(id * 7 % tokenizer->vocab_size());
    IncrementalDetokenizer detokenizer(tokenizer, {}, true, true);
    std::string text;
    text.reserve(1 << 20);
    const int before = num_allocations;
    for (int32_t id : ids)
      detokenizer.append(id, text);
    detokenizer.finish(text);
    EXPECT_EQ(num_allocations, before);
    EXPECT_GT(text.size(), 10'000u);
    EXPECT_GT(before, 0);
  }
}

}  // namespace
}  // namespace quire
