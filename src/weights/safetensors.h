#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/dtype.h"
#include "weights/mmap_file.h"

// The safetensors format: 8 bytes of little-endian header length, a JSON header, then the data.
//
//   | length (8) | {"name": {"dtype", "shape", "data_offsets": [begin, end]}, …} | data … |
//                                                          offsets count from here ^
namespace quire {

struct SafetensorsEntry {
  std::string name;
  DType dtype = DType::kFloat32;
  std::vector<int64_t> shape;  // empty: a scalar
  size_t begin = 0;  // bytes from the start of the file
  size_t end = 0;
};

// Tensors in the order of their data. Throws InvalidArgument that names `file_name`, the tensor and
// the numbers unless: the header fits in the file and in 100 MB, each dtype is known, each shape
// fills its byte range, names are unique, and the ranges cover the data without gap or overlap.
std::vector<SafetensorsEntry> parse_safetensors(
    std::span<const std::byte> file, std::string_view file_name
);

std::string shape_string(std::span<const int64_t> shape);  // "[4, 256]"

// A mapped and checked file.
class SafetensorsFile {
 public:
  explicit SafetensorsFile(const std::filesystem::path& path);

  const std::vector<SafetensorsEntry>& entries() const { return entries_; }
  const SafetensorsEntry* find(std::string_view name) const;  // nullptr: no such tensor
  const void* data(const SafetensorsEntry& entry) const {
    return file_.bytes().data() + entry.begin;
  }
  const MmapFile& file() const { return file_; }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  MmapFile file_;
  std::vector<SafetensorsEntry> entries_;
};

}  // namespace quire
