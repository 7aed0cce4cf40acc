#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <simdjson.h>

namespace quire::test {

// A parsed file and its parser, which owns the elements. Throws simdjson_error on bad JSON.
class JsonFile {
 public:
  explicit JsonFile(const std::filesystem::path& path) : root_(parser_.load(path.string())) {}
  simdjson::dom::element root() const { return root_; }

 private:
  simdjson::dom::parser parser_;
  simdjson::dom::element root_;
};

// The value of a field or array entry; numbers become T, whichever way they are written.
template <typename T>
T read_json(simdjson::dom::element value) {
  if constexpr (std::is_same_v<T, std::string>) {
    return std::string(std::string_view(value));
  } else if constexpr (std::is_same_v<T, bool>) {
    return bool(value);
  } else if constexpr (std::is_floating_point_v<T>) {
    return static_cast<T>(double(value));
  } else {
    static_assert(std::is_integral_v<T>);
    return static_cast<T>(int64_t(value));
  }
}

template <typename T>
std::vector<T> read_json_vector(simdjson::dom::element value) {
  std::vector<T> out;
  for (simdjson::dom::element entry : simdjson::dom::array(value))
    out.push_back(read_json<T>(entry));
  return out;
}

// [[a, b], [c, d], …]
template <typename T>
std::vector<std::array<T, 2>> read_json_pairs(simdjson::dom::element value) {
  std::vector<std::array<T, 2>> out;
  for (simdjson::dom::element entry : simdjson::dom::array(value)) {
    out.push_back({read_json<T>(entry.at(0)), read_json<T>(entry.at(1))});
  }
  return out;
}

}  // namespace quire::test
