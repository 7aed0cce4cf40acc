#include "server/message_parser_cases.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <simdjson.h>

#include "support/test_paths.h"

namespace quire::server {
namespace {

namespace dom = simdjson::dom;

std::string text_or_empty(dom::element value, const char* key) {
  std::string_view text;
  return value[key].get(text) == simdjson::SUCCESS ? std::string(text) : std::string();
}

void load(const char* file, std::vector<ParserCase>& cases) {
  dom::parser parser;
  const auto path = test::test_data_dir() / "server" / file;
  for (const dom::element line : parser.load_many(path.string())) {
    ParserCase one{.source = text_or_empty(line, "source") + text_or_empty(line, "template")};
    one.format.tool_call_parser =
        text_or_empty(line, "tool_call_parser") + text_or_empty(line, "parser");
    one.format.reasoning_parser = text_or_empty(line, "reasoning_parser");
    if (dom::element tools; line["tools"].get(tools) == simdjson::SUCCESS)
      one.format.tools_json = simdjson::minify(tools);
    one.text = text_or_empty(line, "text");
    if (dom::array deltas; line["deltas"].get(deltas) == simdjson::SUCCESS) {
      for (const dom::element delta : deltas)
        one.text += std::string_view(delta);
    }
    cases.push_back(std::move(one));
  }
}

}  // namespace

std::vector<ParserCase> load_parser_cases() {
  std::vector<ParserCase> cases;
  load("vllm_parser_cases.jsonl", cases);
  load("rendered_tool_calls.jsonl", cases);
  return cases;
}

void CollectedMessage::add(const MessageDelta& delta) {
  message_.reasoning += delta.reasoning;
  content_ += delta.content;
  for (const ToolCallDelta& call : delta.tool_calls) {
    const size_t num_calls = message_.tool_calls.size();
    if (call.name) {
      ASSERT_EQ(call.index, static_cast<int>(num_calls)) << "calls begin in order, with their name";
      message_.tool_calls.push_back({.name = *call.name});
    }
    ASSERT_EQ(call.index + 1, static_cast<int>(message_.tool_calls.size()))
        << "only the last call grows";
    message_.tool_calls.back().arguments += call.arguments;
  }
}

Message CollectedMessage::message() const {
  Message message = message_;
  if (!content_.empty()) message.content = content_;
  return message;
}

Message parse_pieces(const MessageFormat& format, const std::vector<std::string_view>& pieces) {
  MessageParser parser(format);
  CollectedMessage collected;
  for (const std::string_view piece : pieces)
    collected.add(parser.push(piece));
  collected.add(parser.finish());
  EXPECT_EQ(parser.has_tool_calls(), !collected.message().tool_calls.empty());
  return collected.message();
}

std::string describe(const Message& message) {
  std::string calls;
  for (const ToolCall& call : message.tool_calls)
    calls += fmt::format(" {}({})", call.name, call.arguments);
  return fmt::format(
      "reasoning [{}] content [{}] calls:{}", message.reasoning, message.content.value_or(""), calls
  );
}

bool same(const Message& a, const Message& b) {
  return describe(a) == describe(b);
}

}  // namespace quire::server
