#include "bench/peaks.h"

#include <algorithm>
#include <vector>

#include "backend/cpu_isa.h"
#include "base/clock.h"
#include "base/math.h"
#include "bench/ops/peak_kernels.h"
#include "tensor/storage.h"

namespace quire::bench {
namespace {

const PeakKernels& peak_kernels() {
#if defined(QUIRE_X86_KERNELS)
  switch (cpu::current_isa()) {
    case cpu::IsaLevel::kAvx512:
      return avx512_peak_kernels();
    case cpu::IsaLevel::kAvx2:
      return avx2_peak_kernels();
    case cpu::IsaLevel::kGeneric:
      break;
  }
#endif
  return generic_peak_kernels();
}

// Units of work per second of the fastest of a few runs; work() returns the units it did.
template <class Work>
double best_rate(double min_seconds, Work work) {
  double best = 0;
  const double end = monotonic_time() + min_seconds;
  double now = monotonic_time();
  while (now < end) {
    const double units = work();
    const double after = monotonic_time();
    best = std::max(best, units / (after - now));
    now = after;
  }
  return best;
}

}  // namespace

double read_bandwidth(ThreadPool& pool, size_t num_bytes) {
  const int num_threads = pool.num_threads();
  const size_t share = round_up<size_t>(num_bytes / num_threads, 8 * 64);
  const Storage memory(share * num_threads);
  std::vector<float> sinks(num_threads);
  pool.run([&](int thread_idx) {  // touched by its reader; no zeros
    auto* values = static_cast<float*>(memory.data()) + thread_idx * share / sizeof(float);
    for (size_t i = 0; i < share / sizeof(float); ++i) {
      values[i] = static_cast<float>(i % 1021) * 0.125f;
    }
  });
  const int repeats = static_cast<int>(1 + (size_t{32} << 20) / (share * num_threads));
  double best = 0;
  for (const int streams : {1, 2, 4, 8}) {
    for (const size_t prefetch_bytes : {0, 512, 1024, 2048, 4096}) {
      const double rate = best_rate(0.03, [&] {
        pool.run([&](int thread_idx) {
          const auto* data = static_cast<const std::byte*>(memory.data()) + thread_idx * share;
          for (int i = 0; i < repeats; ++i) {
            sinks[thread_idx] += peak_kernels().read(data, share, streams, prefetch_bytes);
          }
        });
        return static_cast<double>(repeats) * static_cast<double>(share) * num_threads;
      });
      best = std::max(best, rate);
    }
  }
  return best;
}

double fma_peak(ThreadPool& pool) {
  std::vector<float> sinks(pool.num_threads() * 16, 0.5f);
  std::vector<double> operations(pool.num_threads());
  return best_rate(0.5, [&] {
    pool.run([&](int thread_idx) {
      float* sink = &sinks[thread_idx * 16];
      *sink = 0.5f;
      operations[thread_idx] = peak_kernels().multiply_add(200000, sink);
    });
    double total = 0;
    for (const double count : operations) {
      total += count;
    }
    return total;
  });
}

}  // namespace quire::bench
