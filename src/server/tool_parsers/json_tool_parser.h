#pragma once

#include <vector>

#include "server/tool_parsers/json_calls.h"
#include "server/tool_parsers/tool_parser.h"

namespace quire::server {

// The formats that write calls as JSON objects behind a tag; the registry has them all.
class JsonToolParser final : public ToolParser {
 public:
  JsonToolParser(std::vector<Start> starts, const JsonCallsShape& shape)
      : ToolParser(std::move(starts)), calls_(shape) {}

  using ToolParser::Start;

 private:
  void open(size_t) override { calls_.restart(); }
  Progress read(std::string_view text, DeltaBuilder& out) override {
    return calls_.read(text, out);
  }
  bool is_between_calls() const override { return calls_.is_between_calls(); }

  JsonCalls calls_;
};

}  // namespace quire::server
