#pragma once

#include <string_view>

#include "server/tool_parsers/json_call.h"

namespace quire::server {

// How the calls of a format stand in a row.
struct JsonCallsShape {
  bool may_be_object = true;  // {…}
  bool may_be_list = false;  // [{…}, {…}]
  std::string_view separator;  // between objects outside a list; empty: one object alone
  std::string_view end_tag;  // may be missing
  bool is_strict = false;  // see JsonCall
};

// Reads the calls behind a start tag.
class JsonCalls {
 public:
  explicit JsonCalls(const JsonCallsShape& shape) : shape_(shape), call_(shape.is_strict) {}

  void restart();
  // As ToolParser::read.
  Progress read(std::string_view text, DeltaBuilder& out);
  bool is_between_calls() const { return num_calls_ > 0 && state_ != State::kCall; }

 private:
  enum class State { kBegin, kBeforeCall, kCall, kAfterCall, kEndTag };

  Progress read_call(std::string_view text, DeltaBuilder& out);
  Progress read_mark(std::string_view text);
  Progress read_before_call(char c);
  Progress read_after_call(std::string_view text);
  Progress read_end_tag(std::string_view text);

  JsonCallsShape shape_;
  JsonCall call_;
  State state_ = State::kBegin;
  bool is_in_list_ = false;
  int num_calls_ = 0;
};

}  // namespace quire::server
