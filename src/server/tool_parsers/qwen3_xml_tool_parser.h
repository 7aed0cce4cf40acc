#pragma once

#include <string>

#include "server/tool_parsers/tool_parser.h"
#include "server/tool_parsers/tool_schemas.h"

namespace quire::server {

// <tool_call><function=NAME><parameter=KEY>value</parameter>…</function></tool_call>, with line
// breaks between, one of which belongs to neither end of a value. Values of type string go out as
// they come, the others when they are complete, in the type that the tool's schema says.
class Qwen3XmlToolParser final : public ToolParser {
 public:
  explicit Qwen3XmlToolParser(std::string_view tools_json);

 private:
  // A longer value becomes a string, whatever its type.
  static constexpr size_t kMaxTypedBytes = 1024 * 1024;

  enum class State { kFunction, kBody, kValueBegin, kValue, kAfterCall };
  struct Tag {  // <function=NAME>
    Match match = Match::kNo;
    std::string_view name;
    size_t size = 0;
  };

  void open(size_t start) override;
  Progress read(std::string_view text, DeltaBuilder& out) override;
  bool is_between_calls() const override { return state_ == State::kAfterCall; }

  Progress step(std::string_view text, DeltaBuilder& out);
  Progress read_function(std::string_view text);
  Progress read_body(std::string_view text, DeltaBuilder& out);
  Progress begin_value(std::string_view text, DeltaBuilder& out);
  Progress read_value(std::string_view text, DeltaBuilder& out);
  Progress close_call(std::string_view text, DeltaBuilder& out);
  Progress read_after_call(std::string_view text);
  void add_to_value(std::string_view text, DeltaBuilder& out);
  void end_value(DeltaBuilder& out);
  static Tag read_tag(std::string_view text, std::string_view beginning);

  ToolSchemas schemas_;
  TagScanner value_ends_;
  State state_ = State::kFunction;
  std::string name_;
  ParameterType type_;
  bool is_streamed_ = false;  // the value goes out as it comes
  std::string value_;  // of a value that does not
};

}  // namespace quire::server
