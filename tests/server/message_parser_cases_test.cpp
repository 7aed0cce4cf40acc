#include "server/message_parser_cases.h"

#include <algorithm>
#include <optional>

#include <gtest/gtest.h>
#include <simdjson.h>

#include "server/message_parser.h"
#include "support/test_paths.h"

// vLLM's literal cases (tools/make_parser_cases.py tells their fields), and calls that the models'
// own chat templates wrote (tools/make_tool_call_cases.py).
namespace quire::server {
namespace {

namespace dom = simdjson::dom;

// vLLM expects two things of this text: thoughts without the line break before <think> when it
// reads the message at once, with it when it streams. Here both ways give the first.
constexpr std::string_view kContradictory[] = {
    "deepseekr1_reasoning_parser: test_reasoning new_line_streaming",
    "deepseekr1_reasoning_parser: NEW_LINE_STREAMING",
};

std::string text_or_empty(dom::element value, const char* key) {
  std::string_view text;
  return value[key].get(text) == simdjson::SUCCESS ? std::string(text) : std::string();
}

MessageFormat format_of(dom::element line) {
  MessageFormat format;
  format.tool_call_parser = text_or_empty(line, "tool_call_parser");
  format.reasoning_parser = text_or_empty(line, "reasoning_parser");
  return format;
}

std::vector<std::string> deltas_of(dom::element line) {
  std::vector<std::string> deltas;
  for (const dom::element delta : dom::array(line["deltas"]))
    deltas.emplace_back(std::string_view(delta));
  return deltas;
}

// What the last of the pieces adds, before the end of the text.
Message last_delta(const MessageFormat& format, const std::vector<std::string>& deltas) {
  MessageParser parser(format);
  MessageDelta last;
  for (const std::string& delta : deltas)
    last = parser.push(delta);
  return {.reasoning = last.reasoning, .content = last.content};
}

Message parse_case(dom::element line) {
  const std::vector<std::string> deltas = deltas_of(line);
  if (bool only_last; line["last_delta"].get(only_last) == simdjson::SUCCESS)
    return last_delta(format_of(line), deltas);
  return parse_pieces(format_of(line), {deltas.begin(), deltas.end()});
}

void expect_text(dom::element line, const char* key, const std::string& actual) {
  if (line[key].error() != simdjson::SUCCESS) return;
  EXPECT_EQ(actual, text_or_empty(line, key)) << key;
}

void expect_calls(dom::element line, const std::vector<ToolCall>& calls) {
  dom::array expected;
  if (line["calls"].get(expected) == simdjson::SUCCESS) {
    ASSERT_EQ(calls.size(), expected.size());
    for (size_t i = 0; i < calls.size(); i++) {
      EXPECT_EQ(calls[i].name, std::string_view(expected.at(i).at(0)));
      EXPECT_EQ(calls[i].arguments, std::string_view(expected.at(i).at(1)));
    }
  }
  if (line["names"].get(expected) == simdjson::SUCCESS) {
    ASSERT_EQ(calls.size(), expected.size());
    for (size_t i = 0; i < calls.size(); i++)
      EXPECT_EQ(calls[i].name, std::string_view(expected.at(i)));
  }
  dom::object values;
  if (line["values"].get(values) != simdjson::SUCCESS) return;
  dom::parser parser;
  const dom::element arguments = parser.parse(calls.at(0).arguments);
  for (const auto [key, value] : values)
    EXPECT_EQ(simdjson::minify(arguments[key].value()), simdjson::minify(value)) << key;
}

TEST(MessageParserCases, AgreeWithVllm) {
  dom::parser parser;
  const auto path = test::test_data_dir() / "server/vllm_parser_cases.jsonl";
  int num_cases = 0;
  int num_contradictory = 0;
  for (const dom::element line : parser.load_many(path.string())) {
    const std::string source = text_or_empty(line, "source");
    SCOPED_TRACE(source + ": " + simdjson::minify(line["deltas"].value()));
    const Message message = parse_case(line);
    num_cases++;
    if (std::ranges::find(kContradictory, source) != std::end(kContradictory)) {
      num_contradictory++;
      EXPECT_EQ(message.reasoning, text_or_empty(line, "reasoning").substr(1));
    } else {
      expect_text(line, "reasoning", message.reasoning);
    }
    expect_text(line, "content", message.content.value_or(""));
    expect_calls(line, message.tool_calls);
  }
  EXPECT_EQ(num_cases, 244);
  EXPECT_EQ(num_contradictory, 2);
}

std::optional<std::string> trimmed(const std::optional<std::string>& text) {
  const size_t begin = text.value_or("").find_first_not_of(" \n");
  if (begin == std::string::npos) return std::nullopt;
  return text->substr(begin, text->find_last_not_of(" \n") + 1 - begin);
}

TEST(MessageParserCases, ReadWhatTheModelsTemplatesWrite) {
  dom::parser parser;
  const auto path = test::test_data_dir() / "server/rendered_tool_calls.jsonl";
  int num_cases = 0;
  for (const dom::element line : parser.load_many(path.string())) {
    SCOPED_TRACE(text_or_empty(line, "template") + ": " + text_or_empty(line, "text"));
    MessageFormat format;
    format.tool_call_parser = text_or_empty(line, "parser");
    format.tools_json = simdjson::minify(line["tools"].value());
    const Message message = MessageParser::parse(format, text_or_empty(line, "text"));
    num_cases++;
    expect_calls(line, message.tool_calls);
    EXPECT_EQ(trimmed(message.content).value_or(""), text_or_empty(line, "content"));
  }
  EXPECT_GE(num_cases, 160);
}

}  // namespace
}  // namespace quire::server
