#pragma once

#include <string>

#include "server/tool_parsers/tool_parser.h"
#include "server/tool_parsers/value_copier.h"

namespace quire::server {

// V3 and R1: <｜tool▁call▁begin｜>function<｜tool▁sep｜>NAME, a fence ```json, the arguments, the
// fence's end, <｜tool▁call▁end｜>. V3.1: <｜tool▁call▁begin｜>NAME<｜tool▁sep｜>arguments and the
// end. Both stand between <｜tool▁calls▁begin｜> and <｜tool▁calls▁end｜>.
class DeepSeekToolParser final : public ToolParser {
 public:
  enum class Version { kV3, kV31 };
  explicit DeepSeekToolParser(Version version);

 private:
  enum class State {
    kBetween,
    kHead,
    kName,
    kFence,
    kArgumentsBegin,
    kArguments,
    kFenceEnd,
    kCallEnd
  };

  void open(size_t start) override;
  Progress read(std::string_view text, DeltaBuilder& out) override;
  bool is_between_calls() const override;

  Progress step(std::string_view text, DeltaBuilder& out);
  Progress read_between(std::string_view text);
  Progress read_head(std::string_view text);
  Progress read_name(std::string_view text);
  Progress read_optional(std::string_view text, std::string_view tag, State next);
  Progress begin_arguments(char c, DeltaBuilder& out);
  Progress read_arguments(std::string_view text, DeltaBuilder& out);

  Version version_;
  State state_ = State::kBetween;
  ValueCopier copier_{Dialect::kJson};
  std::string name_;
  std::string arguments_;
  int num_calls_ = 0;  // since the start tag
};

}  // namespace quire::server
