#pragma once

#include <cstddef>

#include "base/thread_pool.h"

// What this machine can do, measured in the same process as whatever is compared with it: a virtual
// machine drifts by tens of percent within minutes. Both use the instruction set that the kernels
// use (backend/cpu_isa.h) and all threads of the pool.
namespace quire::bench {

// Bytes per second of reading `num_bytes` over and over: the best of several numbers of streams and
// prefetch distances. The footprint decides which cache level or memory is measured.
double read_bandwidth(ThreadPool& pool, size_t num_bytes);

// float32 operations per second of independent multiply-adds in registers.
double fma_peak(ThreadPool& pool);

}  // namespace quire::bench
