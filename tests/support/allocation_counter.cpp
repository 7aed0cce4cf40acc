#include "support/allocation_counter.h"

#include <atomic>
#include <cerrno>
#include <cstddef>

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

extern "C" {
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* old, size_t size);
void* __libc_memalign(size_t alignment, size_t size);
}

namespace {

std::atomic<int64_t> counter{0};

void count() {
  counter.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace

namespace quire::test {

int64_t num_allocations() {
  return counter.load(std::memory_order_relaxed);
}

}  // namespace quire::test

// These stand before the C library's, in shared libraries too.
extern "C" {

__attribute__((visibility("default"))) void* malloc(size_t size) {
  count();
  return __libc_malloc(size);
}

__attribute__((visibility("default"))) void* calloc(size_t n, size_t size) {
  count();
  return __libc_calloc(n, size);
}

__attribute__((visibility("default"))) void* realloc(void* old, size_t size) {
  count();
  return __libc_realloc(old, size);
}

__attribute__((visibility("default"))) void* memalign(size_t alignment, size_t size) {
  count();
  return __libc_memalign(alignment, size);
}

__attribute__((visibility("default"))) void* aligned_alloc(size_t alignment, size_t size) {
  count();
  return __libc_memalign(alignment, size);
}

__attribute__((visibility("default"))) int posix_memalign(
    void** out, size_t alignment, size_t size
) {
  count();
  *out = __libc_memalign(alignment, size);
  return *out ? 0 : ENOMEM;
}

__attribute__((visibility("default"))) void* mmap(
    void* address, size_t size, int protection, int flags, int file, off_t offset
) noexcept {
  count();
  const long result = syscall(SYS_mmap, address, size, protection, flags, file, offset);
  return reinterpret_cast<void*>(result);
}
}
