#pragma once

#include <string>

#include "server/tool_parsers/json_calls.h"
#include "server/tool_parsers/tool_parser.h"

namespace quire::server {

// Mistral's formats. Up to tokenizer v7: [TOOL_CALLS] [{"name": …, "arguments": {…}}, …]. From v11
// on: [TOOL_CALLS]name{…} and [TOOL_CALLS]name[CALL_ID]id[ARGS]{…}, one tag for each call.
class MistralToolParser final : public ToolParser {
 public:
  MistralToolParser();

 private:
  enum class State { kBegin, kList, kName, kCallId, kArgumentsBegin, kArguments, kEnd };

  void open(size_t start) override;
  Progress read(std::string_view text, DeltaBuilder& out) override;
  bool is_between_calls() const override;

  Progress step(std::string_view text, DeltaBuilder& out);
  Progress begin(std::string_view text);
  Progress read_name(std::string_view text);
  Progress read_call_id(std::string_view text);
  Progress begin_arguments(std::string_view text, DeltaBuilder& out);
  Progress read_arguments(std::string_view text, DeltaBuilder& out);

  State state_ = State::kBegin;
  JsonCalls list_;
  ValueCopier copier_{Dialect::kJson};
  std::string name_;
  std::string arguments_;
};

}  // namespace quire::server
