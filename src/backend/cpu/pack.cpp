#include <algorithm>
#include <cstring>

#include "backend/cpu/panels.h"
#include "backend/cpu/parallel.h"
#include "backend/linear.h"
#include "tensor/half.h"

namespace quire::cpu {
namespace {

struct RowSource {
  const std::byte* data = nullptr;  // nullptr: a row of padding
  DType dtype = DType::kFloat32;
};

RowSource find_row(std::span<const Tensor> parts, int64_t row) {
  for (const Tensor& part : parts) {
    if (row < part.size(0)) {
      const int64_t offset = row * part.size(1) * static_cast<int64_t>(dtype_size(part.dtype()));
      return {static_cast<const std::byte*>(part.raw()) + offset, part.dtype()};
    }
    row -= part.size(0);
  }
  return {};
}

float read_float(const RowSource& row, int64_t k) {
  switch (row.dtype) {
    case DType::kBFloat16:
      return to_float(reinterpret_cast<const BFloat16*>(row.data)[k]);
    case DType::kFloat16:
      return to_float(reinterpret_cast<const Float16*>(row.data)[k]);
    default:
      return reinterpret_cast<const float*>(row.data)[k];
  }
}

void pack_float32(const RowSource& row, int64_t size, float* column) {
  if (row.data == nullptr) return;
  for (int64_t k = 0; k < size; ++k) {
    column[k * kPanelWidth] = read_float(row, k);
  }
}

void pack_bfloat16(const RowSource& row, int64_t size, uint16_t* column) {
  if (row.data == nullptr) return;
  constexpr int64_t kLine = 2 * kPanelWidth;
  if (row.dtype == DType::kBFloat16) {
    const auto* from = reinterpret_cast<const uint16_t*>(row.data);
    for (int64_t k = 0; k + 1 < size; k += 2) {
      std::memcpy(column + k / 2 * kLine, from + k, 2 * sizeof(uint16_t));
    }
    if (size % 2 != 0) column[size / 2 * kLine] = from[size - 1];
    return;
  }
  for (int64_t k = 0; k < size; ++k) {
    column[k / 2 * kLine + k % 2] = to_bfloat16(read_float(row, k)).bits;
  }
}

// Column by column of a short stretch of k, so that the lines written stay in the first cache.
void pack_panel(std::span<const Tensor> parts, int64_t panel, PackedWeight& weight) {
  std::byte* lines = static_cast<std::byte*>(weight.storage.data()) +
                     panel * panel_bytes(weight.dtype, weight.in_features);
  constexpr int64_t kStretch = 256;
  for (int64_t k = 0; k < weight.in_features; k += kStretch) {
    const int64_t size = std::min(kStretch, weight.in_features - k);
    std::byte* from_k = lines + panel_bytes(weight.dtype, k);
    for (int column = 0; column < kPanelWidth; ++column) {
      RowSource row = find_row(parts, panel * kPanelWidth + column);
      if (row.data != nullptr) row.data += k * static_cast<int64_t>(dtype_size(row.dtype));
      if (weight.dtype == DType::kBFloat16) {
        pack_bfloat16(row, size, reinterpret_cast<uint16_t*>(from_k) + column * 2);
      } else {
        pack_float32(row, size, reinterpret_cast<float*>(from_k) + column);
      }
    }
  }
}

}  // namespace

PackedWeight pack_linear(const Stream& stream, std::span<const Tensor> parts, DType dtype) {
  PackedWeight weight;
  weight.dtype = dtype;
  weight.in_features = parts.front().size(1);
  for (const Tensor& part : parts) {
    weight.out_features += part.size(0);
  }
  const int64_t num_panels = ceil_div<int64_t>(weight.out_features, kPanelWidth);
  const int64_t num_bytes = num_panels * panel_bytes(dtype, weight.in_features);
  weight.storage = Storage(static_cast<size_t>(num_bytes), stream.device);  // zeroed: padding
  for_each_row(stream, num_panels, kPanelWidth * weight.in_features, [&](int64_t panel) {
    pack_panel(parts, panel, weight);
  });
  return weight;
}

}  // namespace quire::cpu
