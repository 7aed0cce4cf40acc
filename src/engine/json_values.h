#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <simdjson.h>

namespace quire {

// Converts one value of a request to the type of its field. A value of another type, or a number
// out of range, is an InvalidArgument that names the field and shows the value.
class JsonValue {
 public:
  JsonValue(std::string_view field, simdjson::dom::element value) : field_(field), value_(value) {}

  void read(bool& out) const;
  void read(int32_t& out) const;
  void read(int64_t& out) const;
  void read(double& out) const;
  void read(std::string& out) const;
  void read(std::vector<int32_t>& out) const;
  void read(std::vector<std::string>& out) const;  // a single string is a list of one

  // null is none.
  template <class T>
  void read(std::optional<T>& out) const {
    if (value_.is_null()) {
      out.reset();
    } else {
      read(out.emplace());
    }
  }

  simdjson::dom::array array(const char* what) const;
  simdjson::dom::object object(const char* what) const;

  // "<field> must be <what>, got <value>."
  [[noreturn]] void fail(std::string_view what) const;

 private:
  std::string field_;
  simdjson::dom::element value_;
};

}  // namespace quire
