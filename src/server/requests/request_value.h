#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <simdjson.h>

namespace quire::server {

// How an API takes the values of a body and tells what is wrong with them.
enum class BodyStyle {
  // As vLLM's: "5" and 5.0 are integers too. An error is an ApiError 400 in pydantic's words, with
  // its kind and its place; its param is the body's field.
  kPydantic,
  // Values have their type, but that 5.0 is an integer, and null counts as not given. An error is
  // an InvalidArgument whose field is the value's path, such as "messages[2].content".
  kPath,
};

// One value of a request's body, and where it stands.
class RequestValue {
 public:
  // The body itself.
  RequestValue(simdjson::dom::element value, BodyStyle style) : value_(value), style_(style) {}
  // A field of a body in pydantic's style.
  RequestValue(simdjson::dom::element value, std::string_view name) : value_(value), name_(name) {}
  // A member or an entry of `parent`, or an entry of its member; `parent` outlives it.
  RequestValue(simdjson::dom::element value, std::string_view name, const RequestValue& parent)
      : RequestValue(value, name, kNoIndex, parent) {}
  RequestValue(simdjson::dom::element value, size_t index, const RequestValue& parent)
      : RequestValue(value, "", index, parent) {}
  RequestValue(
      simdjson::dom::element value, std::string_view name, size_t index, const RequestValue& parent
  )
      : value_(value), style_(parent.style_), name_(name), index_(index), parent_(&parent) {}

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

  // Members of an object; nullopt: not there, or null.
  std::optional<RequestValue> find(std::string_view name) const;
  std::optional<std::string_view> text(std::string_view name) const;
  std::optional<bool> boolean(std::string_view name) const;
  std::optional<int64_t> integer(std::string_view name, int64_t min, int64_t max) const;
  std::optional<double> number(std::string_view name, double min, double max) const;
  std::optional<simdjson::dom::array> array(std::string_view name) const;
  std::optional<RequestValue> object(std::string_view name) const;
  // Members that must be there.
  RequestValue required(std::string_view name) const;
  std::string_view required_text(std::string_view name) const;

  std::string minified() const { return simdjson::minify(value_); }

  void check_at_least(int64_t number, int64_t min) const;

  // An error of pydantic's. `type`: such as "int_parsing"; `context`: its ctx, as Python shows it.
  [[noreturn]] void fail_as(
      std::string_view type, std::string_view message, std::string_view context = ""
  ) const;
  // InvalidArgument: "<path> <what>", of the value or of its member `name`.
  [[noreturn]] void fail(std::string_view what) const;
  [[noreturn]] void fail(std::string_view name, std::string_view what) const;

 private:
  struct TypeError;
  static constexpr size_t kNoIndex = static_cast<size_t>(-1);

  bool is_lenient() const { return style_ == BodyStyle::kPydantic; }
  [[noreturn]] void fail(const TypeError& error) const;
  int64_t whole_number(double number) const;
  std::string location() const;  // 'messages', 0, 'role'
  std::string path() const;  // messages[0].role
  std::string_view top_name() const;  // of the body's field that it belongs to

  simdjson::dom::element value_;
  BodyStyle style_ = BodyStyle::kPydantic;
  std::string_view name_;
  size_t index_ = kNoIndex;
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
