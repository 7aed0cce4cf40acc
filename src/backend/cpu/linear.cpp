#include "backend/linear.h"

#include <algorithm>

#include "backend/cpu/kernel_table.h"
#include "backend/cpu/panels.h"
#include "backend/cpu/parallel.h"

namespace quire::cpu {
namespace {

// Blocks of the product. A block of a (rows x depth) stays in the second cache while panels pass
// through the first; sums wait in a tile per thread, so that a residual is added once at the end.
constexpr int64_t kBlockRows = 96;
constexpr int64_t kBlockPanels = 16;
constexpr int64_t kBlockDepth = 512;
constexpr int64_t kTileFloats = kBlockRows * kBlockPanels * kPanelWidth;
// So few rows read every line once: whole panels, as many as the tile has room for.
constexpr int64_t kStreamRows = 12;

struct Block {
  const float* x;  // after the prologue
  int64_t ld;
  int64_t first_row;
  int64_t num_rows;
};

// The operands of one call, shared by its threads.
class LinearCall {
 public:
  LinearCall(
      ThreadPool& pool,
      const Tensor& x,
      const PackedWeight& weight,
      const LinearOptions& options,
      const Tensor& out
  )
      : pool_(pool), x_(x), weight_(weight), options_(options), out_(out) {
    const int64_t depth = weight.in_features;
    has_prologue_ = options.prologue != LinearPrologue::kNone;
    // A barrier costs as much as this many elements of a norm, or of an activation.
    const int64_t cheap = options.prologue == LinearPrologue::kRmsNorm ? 4096 : 1024;
    is_redundant_ = x.size(0) <= kBlockRows && x.size(0) * depth <= cheap;
    const int num_threads = pool.num_threads();
    const int64_t block = std::min(kBlockRows, is_redundant_ ? x.size(0) : kBlockRows) * depth;
    const int64_t num_blocks = !has_prologue_ ? 0 : is_redundant_ ? num_threads : 2;
    const int64_t num_floats =
        num_threads * kTileFloats + num_blocks * round_up<int64_t>(block, 16);
    tiles_ = static_cast<float*>(pool.scratch(num_floats * sizeof(float)));
    blocks_ = tiles_ + num_threads * kTileFloats;
    block_floats_ = round_up<int64_t>(block, 16);
  }

  void run(int thread_idx) const {
    prefetch_panels(thread_idx);
    const int64_t num_rows = x_.size(0);
    int parity = 0;
    for (int64_t row = 0; row < num_rows; row += kBlockRows) {
      const int64_t count = std::min(kBlockRows, num_rows - row);
      multiply_block(prepare_block(row, count, parity, thread_idx), thread_idx);
      parity ^= 1;
    }
  }

 private:
  Range panels_of(int thread_idx) const {
    const int64_t num_panels = ceil_div<int64_t>(weight_.out_features, kPanelWidth);
    return share_of(num_panels, thread_idx, pool_.num_threads());
  }

  // The first lines arrive while the prologue is at work.
  void prefetch_panels(int thread_idx) const {
    constexpr int64_t kPanels = 8;
    constexpr int64_t kBytes = 2048;
    const Range panels = panels_of(thread_idx);
    const int64_t stride = panel_bytes(weight_.dtype, weight_.in_features);
    const auto* data = static_cast<const std::byte*>(weight_.storage.data());
    for (int64_t p = panels.begin; p < std::min(panels.end, panels.begin + kPanels); ++p) {
      for (int64_t offset = 0; offset < std::min(kBytes, stride); offset += kLineBytes) {
        __builtin_prefetch(data + p * stride + offset);
      }
    }
  }

  // Applies the prologue to rows [first, first + count). Shared blocks alternate between two
  // places: whoever fills one has passed the barrier after the last use of it.
  Block prepare_block(int64_t first, int64_t count, int parity, int thread_idx) const {
    if (!has_prologue_) return {row_of<float>(x_, first), x_.stride(0), first, count};
    const int64_t depth = weight_.in_features;
    float* to = blocks_ + (is_redundant_ ? thread_idx : parity) * block_floats_;
    const Range rows =
        is_redundant_ ? Range{0, count} : share_of(count, thread_idx, pool_.num_threads());
    for (int64_t row = rows.begin; row < rows.end; ++row) {
      apply_prologue(row_of<float>(x_, first + row), to + row * depth);
    }
    if (!is_redundant_) pool_.barrier();
    return {to, depth, first, count};
  }

  void apply_prologue(const float* x, float* to) const {
    const KernelTable& kernel = kernels();
    const int64_t depth = weight_.in_features;
    switch (options_.prologue) {
      case LinearPrologue::kNone:
        return;
      case LinearPrologue::kRmsNorm:
        return kernel.rms_norm(x, options_.norm_weight.data<float>(), options_.norm_eps, depth, to);
      case LinearPrologue::kSiluMul:
        return kernel.silu_mul(x, x + depth, depth, to);
      case LinearPrologue::kGeluTanhMul:
        return kernel.gelu_tanh_mul(x, x + depth, depth, to);
    }
  }

  void multiply_block(const Block& block, int thread_idx) const {
    const bool is_stream = block.num_rows <= kStreamRows;
    const int64_t step = is_stream ? kTileFloats / (block.num_rows * kPanelWidth) : kBlockPanels;
    const Range panels = panels_of(thread_idx);
    for (int64_t first = panels.begin; first < panels.end; first += step) {
      const int64_t count = std::min(step, panels.end - first);
      float* tile = tiles_ + thread_idx * kTileFloats;
      multiply_panels(block, first, count, tile);
      store_tile(block, first, count, tile);
    }
  }

  void multiply_panels(const Block& block, int64_t first, int64_t count, float* tile) const {
    const KernelTable& kernel = kernels();
    const bool is_bfloat16 = weight_.dtype == DType::kBFloat16;
    const auto gemm = is_bfloat16 ? kernel.gemm_bfloat16 : kernel.gemm_float32;
    const int64_t depth = weight_.in_features;
    const int64_t stride = panel_bytes(weight_.dtype, depth);
    const auto* panels = static_cast<const std::byte*>(weight_.storage.data()) + first * stride;
    const int64_t step = block.num_rows <= kStreamRows ? depth : kBlockDepth;
    for (int64_t k = 0; k < depth; k += step) {
      gemm({
          .a = block.x + k,
          .lda = block.ld,
          .num_rows = static_cast<int>(block.num_rows),
          .panels = panels + panel_bytes(weight_.dtype, k),
          .panel_stride = stride,
          .num_panels = static_cast<int>(count),
          .k = std::min(step, depth - k),
          .c = tile,
          .ldc = count * kPanelWidth,
          .resume = k > 0,
      });
    }
  }

  void store_tile(const Block& block, int64_t first, int64_t count, const float* tile) const {
    const int64_t column = first * kPanelWidth;
    const bool has_bias = options_.bias.defined();
    kernels().store({
        .sums = tile,
        .ld_sums = count * kPanelWidth,
        .out = row_of<float>(out_, block.first_row) + column,
        .ld_out = out_.stride(0),
        .num_rows = static_cast<int>(block.num_rows),
        .num_columns = std::min(count * kPanelWidth, weight_.out_features - column),
        .bias = has_bias ? options_.bias.data<float>() + column : nullptr,
        .accumulate = options_.accumulate,
        .softcap = options_.softcap,
    });
  }

  ThreadPool& pool_;
  const Tensor& x_;
  const PackedWeight& weight_;
  const LinearOptions& options_;
  const Tensor& out_;
  bool has_prologue_ = false;
  bool is_redundant_ = false;  // every thread makes its own copy of the block
  float* tiles_ = nullptr;  // [num_threads, kTileFloats]
  float* blocks_ = nullptr;
  int64_t block_floats_ = 0;
};

}  // namespace

void linear(
    const Stream& stream,
    const Tensor& x,
    const PackedWeight& weight,
    const LinearOptions& options,
    const Tensor& out
) {
  if (x.size(0) == 0) return;
  const LinearCall call(stream.pool(), x, weight, options, out);
  stream.pool().run([&](int thread_idx) { call.run(thread_idx); });
}

}  // namespace quire::cpu
