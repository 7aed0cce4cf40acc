#pragma once

#include <string>
#include <vector>

#include "server/tool_parsers/tool_parser.h"
#include "server/tool_parsers/value_copier.h"

namespace quire::server {

// Calls as a list of Python calls with keyword arguments that are literals:
// [get_weather(city='Paris', days=3), now()]. Olmo 3 writes them in lines, without brackets.
class PythonicToolParser final : public ToolParser {
 public:
  PythonicToolParser(std::vector<Start> starts, bool has_brackets, std::string_view end_tag);

  using ToolParser::Start;

 private:
  enum class State { kBegin, kName, kArgument, kValue, kAfterValue, kAfterCall, kEndTag };

  void open(size_t start) override;
  Progress read(std::string_view text, DeltaBuilder& out) override;
  bool is_between_calls() const override;

  Progress step(std::string_view text, DeltaBuilder& out);
  Progress read_name(std::string_view text);
  Progress read_argument(std::string_view text, DeltaBuilder& out);
  Progress read_value(std::string_view text, DeltaBuilder& out);
  Progress read_after_value(char c, DeltaBuilder& out);
  Progress read_after_call(std::string_view text);
  Progress read_end_tag(std::string_view text);
  Progress close_call(DeltaBuilder& out);

  bool has_brackets_;
  std::string_view end_tag_;
  State state_ = State::kBegin;
  ValueCopier copier_{Dialect::kPython};
  std::string name_;
  std::string head_;  // of the argument being read, until it is sent
  std::string json_;
  int num_calls_ = 0;  // since the start tag
};

}  // namespace quire::server
