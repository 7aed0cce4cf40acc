#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <simdjson.h>

namespace quire::server {

// One value of a request's body, and where it stands. Converts it to the type of its field as
// pydantic does for vLLM: "5" and 5.0 are integers too. What cannot be converted is an ApiError 400
// in pydantic's words, with its kind and its place.
class RequestValue {
 public:
  RequestValue(simdjson::dom::element value, std::string_view name) : value_(value), name_(name) {}
  // A member or an entry of `parent`, which outlives it.
  RequestValue(simdjson::dom::element value, std::string_view name, const RequestValue& parent)
      : value_(value), name_(name), parent_(&parent) {}
  RequestValue(simdjson::dom::element value, size_t index, const RequestValue& parent)
      : value_(value), index_(index), parent_(&parent) {}

  simdjson::dom::element json() const { return value_; }
  std::string_view name() const { return name_; }
  bool is_null() const { return value_.is_null(); }
  // null, false, "", [] or {}: nothing is asked for.
  bool says_nothing() const;

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
    if (is_null()) {
      out.reset();
    } else {
      read(out.emplace());
    }
  }

  simdjson::dom::array array() const;
  simdjson::dom::object object() const;
  std::string_view text() const;
  // The member of an object, which must have it.
  RequestValue required(std::string_view name) const;
  std::string minified() const { return simdjson::minify(value_); }

  void check_at_least(int64_t number, int64_t min) const;

  // ApiError 400. `type`: pydantic's, such as "int_parsing"; `context`: its ctx, as Python shows
  // it.
  [[noreturn]] void fail(
      std::string_view type, std::string_view message, std::string_view context = ""
  ) const;

 private:
  int64_t whole_number(double number) const;
  std::string location() const;  // 'messages', 0, 'role'
  std::string_view top_name() const;  // of the body's field that it belongs to

  simdjson::dom::element value_;
  std::string_view name_;
  size_t index_ = 0;  // with an empty name
  const RequestValue* parent_ = nullptr;
};

// A list of token ids, none negative.
void read_token_ids(const RequestValue& value, std::vector<int32_t>& out);

// The error of a body: "1 validation error:" and the details, as FastAPI shows them. `location`: of
// the value in the body; `input`: the value, as Python shows it.
[[noreturn]] void throw_validation_error(
    std::string_view type,
    std::string_view location,
    std::string_view message,
    std::string_view input,
    std::string_view context,
    const std::optional<std::string>& param
);

}  // namespace quire::server
