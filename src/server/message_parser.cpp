#include "server/message_parser.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "server/reasoning_parsers/reasoning_parser.h"
#include "server/tool_parsers/delta_builder.h"
#include "server/tool_parsers/registry.h"

namespace quire::server {
namespace {

ReasoningParser::Begin begin_of(const MessageFormat& format) {
  if (format.reasoning_has_ended) return ReasoningParser::Begin::kAfterThoughts;
  return format.starts_in_reasoning ? ReasoningParser::Begin::kInThoughts
                                    : ReasoningParser::Begin::kUnknown;
}

void add(Message& message, std::string& content, MessageDelta delta) {
  message.reasoning += delta.reasoning;
  content += delta.content;
  for (ToolCallDelta& call : delta.tool_calls) {
    if (call.name) message.tool_calls.push_back({.name = std::move(*call.name)});
    message.tool_calls[call.index].arguments += call.arguments;
  }
}

}  // namespace

void MessageDelta::append(MessageDelta more) {
  reasoning += more.reasoning;
  content += more.content;
  std::ranges::move(more.tool_calls, std::back_inserter(tool_calls));
}

void MessageDelta::keep_first_tool_call() {
  std::erase_if(tool_calls, [](const ToolCallDelta& call) { return call.index > 0; });
}

struct MessageParser::Impl {
  std::unique_ptr<ReasoningParser> reasoning;
  std::unique_ptr<ToolParser> tools;
  DeltaBuilder delta;

  // `text` is content, and it may hold tool calls.
  void push_content(std::string_view text) {
    if (tools) {
      tools->push(text, delta);
    } else {
      delta.add_content(text);
    }
  }
};

MessageParser::MessageParser(const MessageFormat& format) : impl_(std::make_unique<Impl>()) {
  if (!format.reasoning_parser.empty()) {
    impl_->reasoning = std::make_unique<ReasoningParser>(
        find_reasoning_format(format.reasoning_parser), begin_of(format)
    );
  }
  if (!format.tool_call_parser.empty())
    impl_->tools = make_tool_parser(format.tool_call_parser, format.tools_json);
}

MessageParser::~MessageParser() = default;
MessageParser::MessageParser(MessageParser&&) noexcept = default;

MessageDelta MessageParser::push(std::string_view text) {
  if (!impl_->reasoning) {
    impl_->push_content(text);
    return impl_->delta.take();
  }
  std::string reasoning;
  std::string content;
  impl_->reasoning->push(text, reasoning, content);
  impl_->delta.add_reasoning(reasoning);
  impl_->push_content(content);
  return impl_->delta.take();
}

MessageDelta MessageParser::finish() {
  if (impl_->reasoning) {
    std::string reasoning;
    std::string content;
    impl_->reasoning->finish(reasoning, content);
    impl_->delta.add_reasoning(reasoning);
    impl_->push_content(content);
  }
  if (impl_->tools) impl_->tools->finish(impl_->delta);
  return impl_->delta.take();
}

bool MessageParser::has_tool_calls() const {
  return impl_->delta.num_calls() > 0;
}

Message MessageParser::parse(const MessageFormat& format, std::string_view text) {
  MessageParser parser(format);
  Message message;
  std::string content;
  add(message, content, parser.push(text));
  add(message, content, parser.finish());
  const bool is_all = message.tool_calls.empty() && format.reasoning_parser.empty();
  if (!content.empty() || is_all) message.content = std::move(content);
  return message;
}

MessageFormat after_prompt(MessageFormat format, std::string_view prompt) {
  if (format.reasoning_parser.empty()) return format;
  const size_t end = prompt.find_last_not_of(kWhitespace);
  const std::string_view trimmed = prompt.substr(0, end + 1);
  const auto ends_prompt = [&](std::string_view tag) { return trimmed.ends_with(tag); };
  const ReasoningFormat& reasoning = find_reasoning_format(format.reasoning_parser);
  format.starts_in_reasoning = std::ranges::any_of(reasoning.starts, ends_prompt);
  format.reasoning_has_ended = std::ranges::any_of(reasoning.ends, ends_prompt);
  return format;
}

bool needs_special_tokens(const MessageFormat& format) {
  const bool in_tools =
      !format.tool_call_parser.empty() && has_special_tool_tags(format.tool_call_parser);
  return in_tools || format.reasoning_parser == "mistral";
}

}  // namespace quire::server
