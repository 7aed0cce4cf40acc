#pragma once

#include <algorithm>
#include <atomic>

#include "tensor/stream.h"

namespace quire {

// Threads that for_each_row gives work: as many as the stream has, but no more than rows.
inline int num_row_threads(const Stream& stream, int num_rows) {
  return std::min(stream.pool().num_threads(), num_rows);
}

// Calls body(row, thread_idx) once per row, thread_idx in [0, num_row_threads). Rows differ in what
// they need, so a thread takes the next one when it is done with one.
template <class Body>
void for_each_row(const Stream& stream, int num_rows, Body body) {
  const int num_threads = num_row_threads(stream, num_rows);
  std::atomic<int> next_row{0};
  const auto take_rows = [&](int thread_idx) {
    if (thread_idx >= num_threads) return;
    for (int row = next_row++; row < num_rows; row = next_row++)
      body(row, thread_idx);
  };
  if (num_threads == 1) {
    take_rows(0);
  } else if (num_threads > 1) {
    stream.pool().run(take_rows);
  }
}

}  // namespace quire
