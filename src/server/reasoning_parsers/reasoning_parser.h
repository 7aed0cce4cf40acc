#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "server/tool_parsers/tag_scanner.h"

namespace quire::server {

// How a model writes its thoughts.
struct ReasoningFormat {
  std::string_view name;
  std::vector<std::string_view> starts;
  std::vector<std::string_view> ends;
  std::vector<std::string_view> implied_ends;  // they end the thoughts and belong to the content
  bool begins_with_thoughts = true;  // also where the start tag is missing
  bool may_come_anywhere = false;  // more than once, and ends without a start are dropped
};

// Throws InvalidArgument (field "reasoning_parser") for an unknown name.
const ReasoningFormat& find_reasoning_format(std::string_view name);

// Tells thoughts and content apart. A start tag counts at the beginning only, behind white space.
class ReasoningParser {
 public:
  enum class Begin { kUnknown, kInThoughts, kAfterThoughts };  // what the prompt says
  ReasoningParser(const ReasoningFormat& format, Begin begin);

  // Appends to both.
  void push(std::string_view text, std::string& reasoning, std::string& content);
  void finish(std::string& reasoning, std::string& content);

 private:
  enum class State { kBeginning, kThoughts, kContent };

  size_t step(std::string_view text, std::string& reasoning, std::string& content);
  size_t begin(std::string_view text, std::string& reasoning, std::string& content);
  size_t read_thoughts(std::string_view text, std::string& reasoning);
  size_t read_content(std::string_view text, std::string& content);

  const ReasoningFormat& format_;
  TagScanner starts_;
  TagScanner ends_;  // the implied ones too
  TagScanner content_tags_;  // starts, then ends
  State state_ = State::kBeginning;
  State fallback_;  // where a text without a start tag begins
  std::string spaces_;  // before the start tag
  std::string pending_;
};

}  // namespace quire::server
