#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <simdjson.h>

namespace quire {

// Typed look-ups in a JSON object of a configuration file. null counts as absent, as in
// transformers. A value of another type or outside the range is an InvalidArgument that names
// `file: path.field`.
class JsonFields {
 public:
  JsonFields(simdjson::dom::object object, std::string file, std::string path = "")
      : object_(object), file_(std::move(file)), path_(std::move(path)) {}

  std::optional<simdjson::dom::element> find(std::string_view name) const;
  bool has(std::string_view name) const;  // null included
  std::optional<int> integer(std::string_view name, int min, int max) const;
  std::optional<double> number(std::string_view name, double min, double max) const;
  std::optional<bool> boolean(std::string_view name) const;
  std::optional<std::string> text(std::string_view name) const;
  std::optional<JsonFields> object(std::string_view name) const;
  std::optional<simdjson::dom::array> array(std::string_view name) const;

  int required_integer(std::string_view name, int min, int max) const;
  double required_number(std::string_view name, double min, double max) const;

  std::string full_name(std::string_view name) const;  // "config.json: rope_scaling.factor"
  // InvalidArgument: "config.json: rope_scaling.factor <what>".
  [[noreturn]] void fail(std::string_view name, std::string_view what) const;

 private:
  simdjson::dom::object object_;
  std::string file_;
  std::string path_;
};

// The text of JSON object `object` with the fields of `overrides` in place of its own. Throws
// InvalidArgument with `option` when `overrides` is no JSON object, with "model" and `file` when
// `object` is none.
std::string override_json_fields(
    std::string_view file, std::string_view object, const char* option, std::string_view overrides
);

}  // namespace quire
