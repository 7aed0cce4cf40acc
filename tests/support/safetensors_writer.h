#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace quire::test {

// Header and data as a file: the length in front is the writer's business.
inline std::string safetensors_file(std::string_view header, std::string_view data) {
  const uint64_t header_bytes = header.size();
  std::string file(sizeof(header_bytes), '\0');
  std::memcpy(file.data(), &header_bytes, sizeof(header_bytes));
  return file.append(header).append(data);
}

struct WrittenTensor {
  std::string name;
  std::string dtype;  // "F32"
  std::vector<int64_t> shape;
  std::string data;
};

// A correct file of these tensors, in this order.
inline std::string safetensors_file(const std::vector<WrittenTensor>& tensors) {
  std::string header;
  std::string data;
  for (const WrittenTensor& tensor : tensors) {
    header += fmt::format(
        R"({}"{}":{{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}})",
        header.empty() ? "{" : ",",
        tensor.name,
        tensor.dtype,
        fmt::join(tensor.shape, ","),
        data.size(),
        data.size() + tensor.data.size()
    );
    data += tensor.data;
  }
  return safetensors_file((header.empty() ? "{" : header) + "}", data);
}

template <class T>
std::string bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

}  // namespace quire::test
