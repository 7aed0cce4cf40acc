#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <simdjson.h>

namespace quire::server {

// Typed look-ups in one JSON object of a request. null counts as not given. A value of another type
// or out of range is an InvalidArgument that names its path, such as "messages[2].content".
class RequestFields {
 public:
  // Throws InvalidArgument unless `value` is an object. `path`: of the object; empty: the body.
  explicit RequestFields(simdjson::dom::element value, std::string path = "");

  std::optional<simdjson::dom::element> find(std::string_view name) const;
  std::optional<std::string_view> text(std::string_view name) const;
  std::optional<bool> boolean(std::string_view name) const;
  std::optional<int64_t> integer(std::string_view name, int64_t min, int64_t max) const;
  std::optional<double> number(std::string_view name, double min, double max) const;
  std::optional<simdjson::dom::array> array(std::string_view name) const;
  std::optional<RequestFields> object(std::string_view name) const;

  std::string_view required_text(std::string_view name) const;
  simdjson::dom::element required(std::string_view name) const;

  simdjson::dom::object json() const { return object_; }
  std::string path_of(std::string_view name) const;  // "input[0].content"
  std::string path_of(std::string_view name, size_t index) const;  // "input[0].content[1]"
  const std::string& path() const { return path_; }
  // InvalidArgument: "<path> <what>".
  [[noreturn]] void fail(std::string_view name, std::string_view what) const;

 private:
  simdjson::dom::object object_;
  std::string path_;
};

// The body as one JSON object, which lives as long as `parser`. Throws InvalidArgument for text
// that is no JSON, is no object, or is nested deeper than kMaxJsonDepth.
inline constexpr size_t kMaxJsonDepth = 128;
RequestFields parse_body(simdjson::dom::parser& parser, const std::string& body);

}  // namespace quire::server
