#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quire::server {

// What a piece of text adds to one tool call of the message.
struct ToolCallDelta {
  int index = 0;  // which call of the message
  std::optional<std::string> name;  // once, with the first delta of the call
  std::string arguments;  // the next piece of the arguments' JSON text
};

struct MessageDelta {
  std::string reasoning;
  std::string content;
  std::vector<ToolCallDelta> tool_calls;

  bool empty() const { return reasoning.empty() && content.empty() && tool_calls.empty(); }
  void append(MessageDelta more);
  void keep_first_tool_call();  // for requests without parallel_tool_calls
};

struct ToolCall {
  std::string name;
  std::string arguments;  // JSON text
};

struct Message {
  std::string reasoning;
  std::optional<std::string> content;  // none: the message is tool calls alone
  std::vector<ToolCall> tool_calls;
};

struct MessageFormat {
  std::string tool_call_parser;  // hermes, …; empty: text is never a tool call
  std::string reasoning_parser;  // qwen3, …; empty: all text is content
  std::string tools_json;  // the request's `tools`, for formats whose types come from schemas
  bool starts_in_reasoning = false;  // the rendered prompt has opened the thoughts already
  bool reasoning_has_ended = false;  // … and closed them: all text is content
};

// `format` with both flags set from the end of the rendered prompt, as templates write it for
// enable_thinking: "<think>" or "<think></think>".
MessageFormat after_prompt(MessageFormat format, std::string_view prompt);

// Takes one completion's text piece by piece and tells reasoning, content and tool calls apart. The
// deltas of any split of a text add up to the same message.
class MessageParser {
 public:
  // Throws InvalidArgument for unknown names, with those that exist.
  explicit MessageParser(const MessageFormat& format);
  ~MessageParser();
  MessageParser(MessageParser&&) noexcept;

  MessageDelta push(std::string_view text);
  MessageDelta finish();  // what was held back, because it might have begun a tag
  bool has_tool_calls() const;

  // The whole text at once.
  static Message parse(const MessageFormat& format, std::string_view text);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

std::vector<std::string> tool_call_parser_names();
std::vector<std::string> reasoning_parser_names();

// The format's tags are special tokens: the text must be detokenized with them
// (skip_special_tokens = false).
bool needs_special_tokens(const MessageFormat& format);

}  // namespace quire::server
