#pragma once

#include <cstddef>
#include <cstdint>

#include "backend/cpu/kernel_table.h"

// a · panels with one accumulator per output, in the order of k.
namespace quire::cpu {

// What a panel's line holds: kStep values of k for 16 outputs.
template <class V>
struct Float32Panel {
  static constexpr int kStep = 1;
  static void load(const std::byte* line, int reg, typename V::Reg (&b)[kStep]) {
    b[0] = V::load(reinterpret_cast<const float*>(line) + reg * V::kWidth);
  }
};

template <class V>
struct BFloat16Panel {
  static constexpr int kStep = 2;
  static void load(const std::byte* line, int reg, typename V::Reg (&b)[kStep]) {
    V::load_pairs(reinterpret_cast<const uint16_t*>(line) + reg * V::kWidth * 2, b[0], b[1]);
  }
};

// The rows and panels whose accumulators fit the registers: enough independent sums to hide the
// latency of the FMA, as many rows as possible per line read.
template <class V>
struct TileShape {
  static constexpr int kRegsPerPanel = 16 / V::kWidth;
  static constexpr int kMaxRows = V::kNumRegisters == 32 ? 12 : kRegsPerPanel == 2 ? 5 : 2;
  static constexpr int panels(int rows) {
    if (V::kNumRegisters == 32) return rows == 1 ? 8 : rows <= 4 ? 4 : 2;
    const int budget = 8 / kRegsPerPanel;  // accumulators, in panels
    return rows == 1 ? budget : rows == 2 ? (budget > 1 ? budget / 2 : 1) : 1;
  }
};

struct Tile {
  const float* a;
  int64_t lda;
  const std::byte* const* panels;
  int64_t k;
  float* c;
  int64_t ldc;
  bool resume;
  // From the end of these panels to where the caller continues, for the prefetch; 0: no prefetch.
  int64_t next_panels;
};

inline constexpr int64_t kPrefetchBytes = 1024;

// One line of every panel: the products of k .. k + kSteps - 1.
template <class V, class P, int kRows, int kPanels, int kSteps>
[[gnu::always_inline]] inline void multiply_line(
    const float* a,
    int64_t lda,
    const std::byte* const (&panels)[kPanels],
    int64_t offset,
    typename V::Reg (&sums)[kRows][kPanels][16 / V::kWidth]
) {
  using Reg = typename V::Reg;
  constexpr int kRegs = 16 / V::kWidth;
  if constexpr (kRows <= 2) {  // a stays in registers, lines pass through
    Reg x[kRows][kSteps];
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 2
      for (int s = 0; s < kSteps; ++s) {
        x[r][s] = V::set1(a[r * lda + s]);
      }
    }
#pragma GCC unroll 16
    for (int p = 0; p < kPanels; ++p) {
#pragma GCC unroll 4
      for (int reg = 0; reg < kRegs; ++reg) {
        Reg b[P::kStep];
        P::load(panels[p] + offset, reg, b);
#pragma GCC unroll 16
        for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 2
          for (int s = 0; s < kSteps; ++s) {
            sums[r][p][reg] = V::fma(x[r][s], b[s], sums[r][p][reg]);
          }
        }
      }
    }
  } else {  // lines stay in registers, a passes through
    Reg b[kPanels][kRegs][P::kStep];
#pragma GCC unroll 16
    for (int p = 0; p < kPanels; ++p) {
#pragma GCC unroll 4
      for (int reg = 0; reg < kRegs; ++reg) {
        P::load(panels[p] + offset, reg, b[p][reg]);
      }
    }
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 2
      for (int s = 0; s < kSteps; ++s) {
        const Reg x = V::set1(a[r * lda + s]);
#pragma GCC unroll 16
        for (int p = 0; p < kPanels; ++p) {
#pragma GCC unroll 4
          for (int reg = 0; reg < kRegs; ++reg) {
            sums[r][p][reg] = V::fma(x, b[p][reg][s], sums[r][p][reg]);
          }
        }
      }
    }
  }
}

template <class V, class P, int kRows, int kPanels>
void multiply_tile(const Tile& tile) {
  constexpr int kRegs = 16 / V::kWidth;
  constexpr int kStep = P::kStep;
  typename V::Reg sums[kRows][kPanels][kRegs];
  const std::byte* panels[kPanels];
#pragma GCC unroll 16
  for (int p = 0; p < kPanels; ++p) {
    panels[p] = tile.panels[p];
  }
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 16
    for (int p = 0; p < kPanels; ++p) {
#pragma GCC unroll 4
      for (int reg = 0; reg < kRegs; ++reg) {
        const float* from = tile.c + r * tile.ldc + p * 16 + reg * V::kWidth;
        sums[r][p][reg] = tile.resume ? V::load(from) : V::zero();
      }
    }
  }
  const float* a = tile.a;
  const int64_t lda = tile.lda;
  const int64_t end = tile.k / kStep * 64;
  for (int64_t offset = 0; offset < end; offset += 64) {
    if (kRows <= 4 && tile.next_panels != 0) {
      const int64_t ahead = offset + kPrefetchBytes;
      const int64_t wrapped = ahead < end ? ahead : ahead - end + tile.next_panels;
#pragma GCC unroll 16
      for (int p = 0; p < kPanels; ++p) {
        __builtin_prefetch(panels[p] + wrapped);
      }
    }
    multiply_line<V, P, kRows, kPanels, kStep>(a, lda, panels, offset, sums);
    a += kStep;
  }
  if (kStep == 2 && (tile.k & 1) != 0) {
    multiply_line<V, P, kRows, kPanels, 1>(a, lda, panels, end, sums);
  }
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 16
    for (int p = 0; p < kPanels; ++p) {
#pragma GCC unroll 4
      for (int reg = 0; reg < kRegs; ++reg) {
        V::store(tile.c + r * tile.ldc + p * 16 + reg * V::kWidth, sums[r][p][reg]);
      }
    }
  }
}

template <class V, class P, int kRows>
void multiply_rows(int num_panels, const Tile& tile) {
  constexpr int kPanels = TileShape<V>::panels(kRows);
  if (kPanels >= 8 && num_panels == 8) {
    multiply_tile<V, P, kRows, kPanels >= 8 ? 8 : 1>(tile);
  } else if (kPanels >= 4 && num_panels == 4) {
    multiply_tile<V, P, kRows, kPanels >= 4 ? 4 : 1>(tile);
  } else if (kPanels >= 2 && num_panels == 2) {
    multiply_tile<V, P, kRows, kPanels >= 2 ? 2 : 1>(tile);
  } else {
    multiply_tile<V, P, kRows, 1>(tile);
  }
}

template <class V, class P, int kRows = TileShape<V>::kMaxRows>
void multiply_any_rows(int num_rows, int num_panels, const Tile& tile) {
  if constexpr (kRows > 1) {
    if (num_rows < kRows) return multiply_any_rows<V, P, kRows - 1>(num_rows, num_panels, tile);
  }
  multiply_rows<V, P, kRows>(num_panels, tile);
}

// c [num_rows, num_panels * 16] (+)= a · panels, for panels that lie anywhere.
template <class V, class P>
void multiply(const Tile& whole, int num_rows, int num_panels) {
  if (num_rows == 0) return;
  constexpr int kMaxRows = TileShape<V>::kMaxRows;
  const int num_blocks = (num_rows + kMaxRows - 1) / kMaxRows;
  int max_panels = TileShape<V>::panels((num_rows + num_blocks - 1) / num_blocks);
  Tile tile = whole;
  for (int p = 0; p < num_panels;) {
    while (max_panels > num_panels - p) {
      max_panels /= 2;
    }
    tile.panels = whole.panels + p;
    for (int block = 0; block < num_blocks; ++block) {  // blocks differ by one row at most
      const int begin = num_rows * block / num_blocks;
      const int end = num_rows * (block + 1) / num_blocks;
      tile.a = whole.a + begin * whole.lda;
      tile.c = whole.c + begin * whole.ldc + p * 16;
      multiply_any_rows<V, P>(end - begin, max_panels, tile);
    }
    p += max_panels;
  }
}

template <class V, class P>
void gemm(const GemmArgs& args) {
  constexpr int kBatch = 8;
  const std::byte* panels[kBatch];
  const int64_t panel_bytes = (args.k + P::kStep - 1) / P::kStep * 64;
  const bool is_stream = args.num_rows <= 4 && args.panel_stride == panel_bytes;
  for (int first = 0; first < args.num_panels; first += kBatch) {
    const int count = args.num_panels - first < kBatch ? args.num_panels - first : kBatch;
    for (int p = 0; p < count; ++p) {
      panels[p] = args.panels + (first + p) * args.panel_stride;
    }
    const int group = TileShape<V>::panels(args.num_rows <= 4 ? args.num_rows : 5);
    const Tile tile{
        args.a,
        args.lda,
        panels,
        args.k,
        args.c + first * 16,
        args.ldc,
        args.resume,
        is_stream ? group * panel_bytes : 0,
    };
    multiply<V, P>(tile, args.num_rows, count);
  }
}

}  // namespace quire::cpu
