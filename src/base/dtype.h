#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace quire {

// Element types of tensors and of checkpoints.
enum class DType : uint8_t { kFloat32, kBFloat16, kFloat16, kInt64, kInt32, kUInt8, kInt8 };

size_t dtype_size(DType dtype);  // bytes
std::string_view dtype_name(DType dtype);  // "float32", as --dtype and config.json spell it
std::optional<DType> parse_dtype(std::string_view name);  // also "float", "half"; nullopt: unknown

}  // namespace quire
