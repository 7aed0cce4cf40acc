#include "worker/memory_populator.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "base/start_thread.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23  // Linux 5.14
#endif

namespace quire {
namespace {

// A step that faults in the same region waits for this much at most.
constexpr size_t kChunkBytes = size_t{2} << 20;
constexpr int kLowestPriority = 19;

void give_way_to_others() {
  setpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid)), kLowestPriority);
}

}  // namespace

MemoryPopulator::MemoryPopulator(std::vector<std::span<std::byte>> pieces)
    : pieces_(std::move(pieces)), thread_(start_thread([this] { run(); })) {}

MemoryPopulator::~MemoryPopulator() {
  is_stopped_ = true;
  wait();
}

void MemoryPopulator::wait() {
  if (thread_.joinable()) thread_.join();
}

void MemoryPopulator::run() {
  give_way_to_others();
  for (const std::span<std::byte> piece : pieces_) {
    for (size_t begin = 0; begin < piece.size() && !is_stopped_; begin += kChunkBytes) {
      const size_t size = std::min(kChunkBytes, piece.size() - begin);
      if (madvise(piece.data() + begin, size, MADV_POPULATE_WRITE) != 0) {
        // Older kernels cannot, and small pieces lie on pages that others use too.
        QUIRE_LOG_DEBUG("The KV cache takes its memory as it is used: {}.", std::strerror(errno));
        return;
      }
      num_populated_bytes_ += size;
    }
  }
}

void release_memory(std::span<std::byte> piece) {
  const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto address = reinterpret_cast<uintptr_t>(piece.data());
  const uintptr_t begin = (address + page - 1) / page * page;
  const uintptr_t end = (address + piece.size()) / page * page;
  if (begin >= end) return;
  if (madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED) != 0)
    QUIRE_LOG_WARN("Memory could not be given back: {}.", std::strerror(errno));
}

}  // namespace quire
