#pragma once

#include <cstdint>

#include "tensor/stream.h"
#include "tensor/tensor.h"

namespace quire::cpu {

struct Range {
  int64_t begin;
  int64_t end;
};

// The share of thread_idx in [0, count): shares differ by one at most.
inline Range share_of(int64_t count, int thread_idx, int num_threads) {
  return {count * thread_idx / num_threads, count * (thread_idx + 1) / num_threads};
}

// Calls body(row) for every row. Few elements are not worth the fork: the caller does them alone.
template <class Body>
void for_each_row(const Stream& stream, int64_t num_rows, int64_t row_size, Body body) {
  constexpr int64_t kMinElements = 8192;
  if (num_rows < 2 || num_rows * row_size < kMinElements) {
    stream.synchronize();
    for (int64_t row = 0; row < num_rows; ++row) {
      body(row);
    }
    return;
  }
  ThreadPool& pool = stream.pool();
  pool.run([&](int thread_idx) {
    const Range rows = share_of(num_rows, thread_idx, pool.num_threads());
    for (int64_t row = rows.begin; row < rows.end; ++row) {
      body(row);
    }
  });
}

template <class T>
T* row_of(const Tensor& tensor, int64_t row) {
  return tensor.data<T>() + row * tensor.stride(0);
}

}  // namespace quire::cpu
