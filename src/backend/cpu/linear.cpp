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

// One call, shared by its threads. It holds plain values side by side: a worker reads them from the
// caller's cache, and each further place would be one more wait.
class LinearCall {
 public:
  LinearCall(
      ThreadPool& pool,
      const Tensor& x,
      const PackedWeight& weight,
      const LinearOptions& options,
      const Tensor& out
  )
      : pool_(pool),
        x_(x.data<float>()),
        ld_x_(x.stride(0)),
        num_rows_(x.size(0)),
        panels_(static_cast<const std::byte*>(weight.storage.data())),
        is_bfloat16_(weight.dtype == DType::kBFloat16),
        depth_(weight.in_features),
        panel_stride_(panel_bytes(weight.dtype, weight.in_features)),
        out_features_(weight.out_features),
        out_(out.data<float>()),
        ld_out_(out.stride(0)),
        prologue_(options.prologue),
        norm_weight_(options.norm_weight.data<float>()),
        norm_eps_(options.norm_eps),
        bias_(options.bias.data<float>()),
        accumulate_(options.accumulate),
        softcap_(options.softcap) {
    const bool has_prologue = prologue_ != LinearPrologue::kNone;
    // A barrier costs as much as this many elements of a norm, or of an activation.
    const int64_t cheap = prologue_ == LinearPrologue::kRmsNorm ? 4096 : 1024;
    is_redundant_ = num_rows_ <= kBlockRows && num_rows_ * depth_ <= cheap;
    const int num_threads = pool.num_threads();
    const int64_t block = std::min(kBlockRows, is_redundant_ ? num_rows_ : kBlockRows) * depth_;
    block_floats_ = round_up<int64_t>(block, 16);
    const int64_t num_blocks = !has_prologue ? 0 : is_redundant_ ? num_threads : 2;
    const int64_t num_floats = num_threads * kTileFloats + num_blocks * block_floats_;
    tiles_ = static_cast<float*>(pool.scratch(num_floats * sizeof(float)));
    blocks_ = tiles_ + num_threads * kTileFloats;
  }

  // Brings the weights nearer, in the order in which they will be read: the panels of a tile side
  // by side. What a second cache cannot hold beside the tiles is left where it is.
  bool prefetch(int thread_idx, int step) const {
    constexpr int64_t kPanels = 8;
    constexpr int64_t kBytes = 1024;
    constexpr int64_t kMaxBytes = 384 << 10;
    const int64_t steps_per_group = ceil_div(panel_stride_, kBytes);
    const Range panels = panels_of(thread_idx);
    const int64_t first = panels.begin + step / steps_per_group * kPanels;
    const int64_t begin = step % steps_per_group * kBytes;
    const int64_t end = std::min(begin + kBytes, panel_stride_);
    for (int64_t p = first; p < std::min(panels.end, first + kPanels); ++p) {
      for (int64_t offset = begin; offset < end; offset += kLineBytes) {
        __builtin_prefetch(panels_ + p * panel_stride_ + offset);
      }
    }
    return first < panels.end && step * kPanels * kBytes < kMaxBytes;
  }

  void operator()(int thread_idx) const {
    int parity = 0;
    for (int64_t row = 0; row < num_rows_; row += kBlockRows) {
      const int64_t count = std::min(kBlockRows, num_rows_ - row);
      multiply_block(prepare_block(row, count, parity, thread_idx), thread_idx);
      parity ^= 1;
    }
  }

 private:
  Range panels_of(int thread_idx) const {
    const int64_t num_panels = ceil_div<int64_t>(out_features_, kPanelWidth);
    return share_of(num_panels, thread_idx, pool_.num_threads());
  }

  // Applies the prologue to rows [first, first + count). Shared blocks alternate between two
  // places: whoever fills one has passed the barrier after the last use of it.
  Block prepare_block(int64_t first, int64_t count, int parity, int thread_idx) const {
    if (prologue_ == LinearPrologue::kNone) return {x_ + first * ld_x_, ld_x_, first, count};
    float* to = blocks_ + (is_redundant_ ? thread_idx : parity) * block_floats_;
    const Range rows =
        is_redundant_ ? Range{0, count} : share_of(count, thread_idx, pool_.num_threads());
    for (int64_t row = rows.begin; row < rows.end; ++row) {
      apply_prologue(x_ + (first + row) * ld_x_, to + row * depth_);
    }
    if (!is_redundant_) pool_.barrier();
    return {to, depth_, first, count};
  }

  void apply_prologue(const float* x, float* to) const {
    const KernelTable& kernel = kernels();
    switch (prologue_) {
      case LinearPrologue::kNone:
        return;
      case LinearPrologue::kRmsNorm:
        return kernel.rms_norm(x, norm_weight_, norm_eps_, depth_, to);
      case LinearPrologue::kSiluMul:
        return kernel.silu_mul(x, x + depth_, depth_, to);
      case LinearPrologue::kGeluTanhMul:
        return kernel.gelu_tanh_mul(x, x + depth_, depth_, to);
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
    const auto gemm = is_bfloat16_ ? kernel.gemm_bfloat16 : kernel.gemm_float32;
    const DType dtype = is_bfloat16_ ? DType::kBFloat16 : DType::kFloat32;
    const int64_t step = block.num_rows <= kStreamRows ? depth_ : kBlockDepth;
    for (int64_t k = 0; k < depth_; k += step) {
      gemm({
          .a = block.x + k,
          .lda = block.ld,
          .num_rows = static_cast<int>(block.num_rows),
          .panels = panels_ + first * panel_stride_ + panel_bytes(dtype, k),
          .panel_stride = panel_stride_,
          .num_panels = static_cast<int>(count),
          .k = std::min(step, depth_ - k),
          .c = tile,
          .ldc = count * kPanelWidth,
          .resume = k > 0,
      });
    }
  }

  void store_tile(const Block& block, int64_t first, int64_t count, const float* tile) const {
    const int64_t column = first * kPanelWidth;
    kernels().store({
        .sums = tile,
        .ld_sums = count * kPanelWidth,
        .out = out_ + block.first_row * ld_out_ + column,
        .ld_out = ld_out_,
        .num_rows = static_cast<int>(block.num_rows),
        .num_columns = std::min(count * kPanelWidth, out_features_ - column),
        .bias = bias_ != nullptr ? bias_ + column : nullptr,
        .accumulate = accumulate_,
        .softcap = softcap_,
    });
  }

  ThreadPool& pool_;
  const float* x_;
  int64_t ld_x_;
  int64_t num_rows_;
  const std::byte* panels_;
  bool is_bfloat16_;
  int64_t depth_;
  int64_t panel_stride_;  // bytes
  int64_t out_features_;
  float* out_;
  int64_t ld_out_;
  LinearPrologue prologue_;
  const float* norm_weight_;
  float norm_eps_;
  const float* bias_;  // nullptr: none
  bool accumulate_;
  float softcap_;
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
  stream.pool().start<LinearCall>(stream.pool(), x, weight, options, out);
  if (!stream.is_async) stream.synchronize();
}

}  // namespace quire::cpu
