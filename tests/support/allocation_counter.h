#pragma once

#include <cstdint>

namespace quire::test {

// Calls of malloc, calloc, realloc, aligned allocation and mmap in this process so far, by any
// thread; operator new is malloc underneath. A program counts if it links quire_allocation_counter.
// Not with sanitizers, which replace malloc themselves.
int64_t num_allocations();

}  // namespace quire::test
