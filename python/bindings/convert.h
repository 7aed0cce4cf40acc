#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nanobind/nanobind.h>

namespace quire::python {

namespace nb = nanobind;

// Python values to the types of options. A value of another type is a TypeError that names the
// option and shows the value; an integer out of range is a ValueError.
void read_value(const char* name, nb::handle value, bool& out);
void read_value(const char* name, nb::handle value, int& out);
void read_value(const char* name, nb::handle value, int64_t& out);
void read_value(const char* name, nb::handle value, double& out);
void read_value(const char* name, nb::handle value, std::string& out);  // a dict: as JSON text
void read_value(const char* name, nb::handle value, std::vector<std::string>& out);  // or one str
void read_value(const char* name, nb::handle value, std::vector<int32_t>& out);

template <class T>
void read_value(const char* name, nb::handle value, std::optional<T>& out) {
  if (value.is_none()) {
    out.reset();
  } else {
    read_value(name, value, out.emplace());
  }
}

// "<name> must be <what>, got <value>."
[[noreturn]] void raise_type_error(const char* name, const char* what, nb::handle value);

// The text of a str. ValueError for one with half a surrogate pair, which no UTF-8 has.
std::string to_utf8(nb::handle text);

// json.dumps(value).
std::string to_json(nb::handle value);

}  // namespace quire::python
