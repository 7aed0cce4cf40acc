#pragma once

#include <atomic>
#include <cstddef>
#include <span>
#include <thread>
#include <vector>

namespace quire {

// Makes the system back memory by pages before somebody needs them, on a thread of its own that
// gives way to all others. The contents stay as they are, so that the memory may be used meanwhile.
class MemoryPopulator {
 public:
  explicit MemoryPopulator(std::vector<std::span<std::byte>> pieces);
  ~MemoryPopulator();  // stops early

  void wait();
  size_t num_populated_bytes() const { return num_populated_bytes_.load(); }

 private:
  void run();

  const std::vector<std::span<std::byte>> pieces_;
  std::atomic<size_t> num_populated_bytes_ = 0;
  std::atomic<bool> is_stopped_ = false;
  std::thread thread_;  // the last member: it uses the others
};

// Gives the whole pages of `piece` back to the system. They are zeros when they are used again.
void release_memory(std::span<std::byte> piece);

}  // namespace quire
