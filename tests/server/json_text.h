#pragma once

#include <string>
#include <string_view>

#include <simdjson.h>

namespace quire::test {

// A JSON text with its parser. Throws simdjson_error on bad JSON, and for what is not there.
class JsonText {
 public:
  explicit JsonText(std::string_view text) : root_(parser_.parse(text.data(), text.size())) {}

  simdjson::dom::element at(std::string_view pointer) const { return root_.at_pointer(pointer); }
  bool has(std::string_view pointer) const {
    return root_.at_pointer(pointer).error() == simdjson::SUCCESS;
  }
  // The value as JSON without spaces.
  std::string show(std::string_view pointer = "") const { return simdjson::minify(at(pointer)); }
  std::string text(std::string_view pointer) const {
    return std::string(std::string_view(at(pointer)));
  }
  int64_t number(std::string_view pointer) const { return at(pointer); }
  size_t size(std::string_view pointer) const { return at(pointer).get_array().size(); }

 private:
  simdjson::dom::parser parser_;
  simdjson::dom::element root_;
};

}  // namespace quire::test
