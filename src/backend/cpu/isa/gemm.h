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
    if (V::kNumRegisters == 32) return rows <= 2 ? 8 : rows <= 4 ? 4 : 2;
    const int budget = 8 / kRegsPerPanel;  // accumulators, in panels
    return rows == 1 ? budget : rows == 2 ? (budget > 1 ? budget / 2 : 1) : 1;
  }
};

// Panels that lie anywhere, cut along k into segments of segment_depth. Panel p of segment s starts
// at bases[s + p * bases_per_panel] + p * panel_stride:
//   a weight:         one base, panels panel_stride apart, one segment
//   keys of a cache:  one base per panel (a group of 16 tokens), one segment
//   values of a cache: one base per segment (a group of 16 tokens), panels panel_stride apart
struct Panels {
  const std::byte* const* bases = nullptr;
  int bases_per_panel = 0;
  int64_t panel_stride = 0;  // bytes
  int64_t segment_depth = 0;
  int first = 0;  // panel of this tile
  // What to prefetch. Either the line that lies prefetch_offsets[s] bytes from the line in use, or,
  // with next_panels, the line some way ahead, which behind the end of a panel is the beginning of
  // the panel next_panels bytes from it.
  const int64_t* prefetch_offsets = nullptr;
  int64_t next_panels = 0;
  bool is_last = false;  // nothing follows: no prefetch behind the end
};

struct Tile {
  const float* a;
  int64_t lda;
  Panels panels;
  int64_t k;
  float* c;
  int64_t ldc;
  bool resume;
};

inline constexpr int64_t kPrefetchBytes = 2048;

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

// Where to prefetch from a line at an offset of its panel: before `end` and behind it.
struct Prefetch {
  int64_t near_offset = 0;
  int64_t far_offset = 0;
  int64_t end = 0;
};

template <class V, class P>
Prefetch plan_prefetch(const Panels& panels, int segment, int64_t segment_bytes) {
  if (panels.next_panels != 0) {
    const int64_t end = segment_bytes > kPrefetchBytes ? segment_bytes - kPrefetchBytes : 0;
    return {kPrefetchBytes, panels.is_last ? 0 : panels.next_panels - end, end};
  }
  if (panels.prefetch_offsets == nullptr) return {};
  return {panels.prefetch_offsets[segment], 0, segment_bytes};
}

template <class V, class P, int kRows, int kPanels>
void multiply_tile(const Tile& tile) {
  constexpr int kRegs = 16 / V::kWidth;
  constexpr int kStep = P::kStep;
  typename V::Reg sums[kRows][kPanels][kRegs];
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
  int segment = 0;
  for (int64_t left = tile.k; left > 0; left -= tile.panels.segment_depth, ++segment) {
    const int64_t depth = left < tile.panels.segment_depth ? left : tile.panels.segment_depth;
    const std::byte* panels[kPanels];
#pragma GCC unroll 16
    for (int p = 0; p < kPanels; ++p) {
      const int panel = tile.panels.first + p;
      panels[p] = tile.panels.bases[segment + panel * tile.panels.bases_per_panel] +
                  panel * tile.panels.panel_stride;
    }
    const int64_t end = depth / kStep * 64;
    const Prefetch prefetch = plan_prefetch<V, P>(tile.panels, segment, end);
    int64_t ahead = prefetch.near_offset;
    for (int64_t offset = 0; offset < end; offset += 64) {
      if (offset == prefetch.end) ahead = prefetch.far_offset;
      if (ahead != 0) {
#pragma GCC unroll 16
        for (int p = 0; p < kPanels; ++p) {
          __builtin_prefetch(panels[p] + offset + ahead);
        }
      }
      multiply_line<V, P, kRows, kPanels, kStep>(a, lda, panels, offset, sums);
      a += kStep;
    }
    if (kStep == 2 && (depth & 1) != 0) {
      multiply_line<V, P, kRows, kPanels, 1>(a, lda, panels, end, sums);
      a += 1;
    }
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

// c [num_rows, num_panels * 16] (+)= a · panels.
template <class V, class P>
void multiply(const Tile& whole, int num_rows, int num_panels) {
  if (num_rows == 0) return;
  constexpr int kMaxRows = TileShape<V>::kMaxRows;
  const int num_blocks = (num_rows + kMaxRows - 1) / kMaxRows;
  int count = TileShape<V>::panels((num_rows + num_blocks - 1) / num_blocks);
  Tile tile = whole;
  for (int p = 0; p < num_panels; p += count) {
    while (count > num_panels - p) {
      count /= 2;
    }
    tile.panels.first = p;
    for (int block = 0; block < num_blocks; ++block) {  // blocks differ by one row at most
      const int begin = num_rows * block / num_blocks;
      const int end = num_rows * (block + 1) / num_blocks;
      tile.a = whole.a + begin * whole.lda;
      tile.c = whole.c + begin * whole.ldc + p * 16;
      // Later blocks of rows find the panels in the cache.
      tile.panels.next_panels = block == 0 ? whole.panels.next_panels * count : 0;
      tile.panels.is_last = p + count >= num_panels;
      if (block > 0) tile.panels.prefetch_offsets = nullptr;
      multiply_any_rows<V, P>(end - begin, count, tile);
    }
    tile.panels.prefetch_offsets = whole.panels.prefetch_offsets;
  }
}

template <class V, class P>
void gemm(const GemmArgs& args) {
  const Panels panels{
      .bases = &args.panels,
      .panel_stride = args.panel_stride,
      .segment_depth = args.k,
      .next_panels = args.panel_stride,
  };
  const Tile tile{args.a, args.lda, panels, args.k, args.c, args.ldc, args.resume};
  multiply<V, P>(tile, args.num_rows, args.num_panels);
}

}  // namespace quire::cpu
