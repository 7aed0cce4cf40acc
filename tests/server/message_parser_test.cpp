#include "server/message_parser.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "quire/error.h"
#include "server/message_parser_cases.h"

namespace quire::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

MessageFormat tools(std::string name, std::string tools_json = "") {
  return {.tool_call_parser = std::move(name), .tools_json = std::move(tools_json)};
}

MessageFormat thoughts(std::string name) {
  return {.reasoning_parser = std::move(name)};
}

std::string parse(const MessageFormat& format, std::string_view text) {
  return describe(MessageParser::parse(format, text));
}

// Arguments of the only call of a hermes message.
std::string hermes_arguments(std::string_view json) {
  const std::string text =
      R"(<tool_call>{"name": "f", "arguments": )" + std::string(json) + "}</tool_call>";
  const Message message = MessageParser::parse(tools("hermes"), text);
  if (message.tool_calls.size() != 1 || message.content) return "no call: " + describe(message);
  return message.tool_calls[0].arguments;
}

TEST(MessageParser, RefusesUnknownNamesWithThoseThatExist) {
  try {
    MessageParser parser(tools("hermess"));
    FAIL() << "accepted";
  } catch (const InvalidArgument& error) {
    EXPECT_EQ(error.field(), "tool_call_parser");
    EXPECT_THAT(error.what(), HasSubstr("deepseek_v3, deepseek_v31, granite"));
  }
  try {
    MessageParser parser(thoughts("r1"));
    FAIL() << "accepted";
  } catch (const InvalidArgument& error) {
    EXPECT_EQ(error.field(), "reasoning_parser");
    EXPECT_THAT(error.what(), HasSubstr("deepseek_r1, deepseek_v3, granite"));
  }
}

TEST(MessageParser, WithoutParsersAllTextIsContent) {
  EXPECT_EQ(
      parse({}, " <think>a</think><tool_call>{}"),
      "reasoning [] content [ <think>a</think><tool_call>{}] calls:"
  );
  EXPECT_EQ(MessageParser::parse({}, "").content, "");
}

TEST(MessageParser, ArgumentsGoOutAsTheyCome) {
  MessageParser parser(tools("hermes"));
  EXPECT_TRUE(parser.push("<tool_").empty());
  EXPECT_TRUE(parser.push("call>\n{\"name\": \"f\", \"argu").empty());
  EXPECT_FALSE(parser.has_tool_calls());
  const MessageDelta begin = parser.push("ments\": {\"a\":\"x");
  ASSERT_EQ(begin.tool_calls.size(), 1u);
  EXPECT_EQ(begin.tool_calls[0].name, "f");
  EXPECT_EQ(begin.tool_calls[0].arguments, R"({"a": "x)");
  EXPECT_TRUE(parser.has_tool_calls());
  const MessageDelta more = parser.push("yz\", ");
  ASSERT_EQ(more.tool_calls.size(), 1u);
  EXPECT_EQ(more.tool_calls[0].name, std::nullopt);
  EXPECT_EQ(more.tool_calls[0].arguments, R"(yz")");
  const MessageDelta end = parser.push("\"b\":1}}\n</tool_call>");
  ASSERT_EQ(end.tool_calls.size(), 1u);
  EXPECT_EQ(end.tool_calls[0].arguments, R"(, "b": 1})");
  EXPECT_EQ(end.content, "");
  EXPECT_TRUE(parser.finish().empty());
}

TEST(MessageParser, StringsOfXmlParametersGoOutAsTheyCome) {
  MessageParser parser(tools("qwen3_xml"));
  parser.push("<tool_call>\n<function=f>\n<parameter=code>\n");
  EXPECT_EQ(parser.push("if a <").tool_calls.at(0).arguments, "\"if a ");
  EXPECT_EQ(parser.push(" b:\n").tool_calls.at(0).arguments, "< b:");
  EXPECT_EQ(parser.push("  c()\n</parameter>").tool_calls.at(0).arguments, "\\n  c()\"");
}

TEST(MessageParser, ContentWaitsOnlyWhereATagMayBegin) {
  MessageParser parser(tools("hermes"));
  EXPECT_EQ(parser.push("a < b <tool").content, "a < b ");
  EXPECT_EQ(parser.push("ing").content, "<tooling");
  EXPECT_EQ(parser.push("<").content, "");
  EXPECT_EQ(parser.finish().content, "<");
}

TEST(MessageParser, JsonAnswersAreNotKeptBackAsPossibleCalls) {
  MessageParser parser(tools("llama3_json"));
  EXPECT_EQ(parser.push("{\"city").content, "");
  EXPECT_EQ(parser.push("\": \"Paris").content, "{\"city\": \"Paris");
}

TEST(MessageParser, TextAroundCallsIsContentAndSpacesBetweenThemAreNot) {
  EXPECT_EQ(
      parse(
          tools("hermes"),
          "\n<tool_call>{\"name\":\"f\",\"arguments\":{}}</tool_call>\n\n"
          "<tool_call>{\"name\":\"g\",\"arguments\":{}}</tool_call>\n"
      ),
      "reasoning [] content [] calls: f({}) g({})"
  );
  EXPECT_EQ(
      parse(
          tools("hermes"), "One.\n<tool_call>{\"name\":\"f\",\"arguments\":{}}</tool_call> Two.\n"
      ),
      "reasoning [] content [One.\n Two.\n] calls: f({})"
  );
  const Message only_calls = MessageParser::parse(
      tools("hermes"), "<tool_call>{\"name\":\"f\",\"arguments\":{}}</tool_call>"
  );
  EXPECT_EQ(only_calls.content, std::nullopt);
}

TEST(MessageParser, AnEndThatStandsAloneIsReadHoweverTheTextIsCut) {
  MessageParser parser(tools("qwen3_xml"));
  (void)parser.push("<function=f>\n");
  const MessageDelta delta = parser.push("</tool_call>so");
  EXPECT_EQ(delta.tool_calls.size(), 1u);
  EXPECT_EQ(delta.content, "so");
  EXPECT_TRUE(parser.finish().empty());
}

TEST(MessageParser, MissingEndTagsDoNoHarm) {
  EXPECT_EQ(
      parse(tools("hermes"), R"(<tool_call>{"name":"f","arguments":{}})"),
      "reasoning [] content [] calls: f({})"
  );
  EXPECT_EQ(
      parse(
          tools("hermes"),
          R"(<tool_call>{"name":"f","arguments":{}}<tool_call>{"name":"g","arguments":{}})"
      ),
      "reasoning [] content [] calls: f({}) g({})"
  );
  EXPECT_EQ(
      parse(tools("qwen3_xml"), "<function=f>\n<parameter=a>\n1\n</function>\n"),
      R"(reasoning [] content [] calls: f({"a": "1"}))"
  );
  EXPECT_EQ(
      parse(
          tools("qwen3_xml"),
          "<tool_call><function=f><parameter=a>1\n<parameter=b>2</parameter>"
          "</tool_call>"
      ),
      R"(reasoning [] content [] calls: f({"a": "1", "b": "2"}))"
  );
  EXPECT_EQ(
      parse(tools("deepseek_v3"), "<｜tool▁call▁begin｜>function<｜tool▁sep｜>f\n{\"a\":1}"),
      R"(reasoning [] content [] calls: f({"a": 1}))"
  );
}

TEST(MessageParser, WhatIsNoCallIsContent) {
  for (const std::string_view text :
       {R"(<tool_call>{"name": "f"}</tool_call>)",
        R"(<tool_call>{"arguments": {}}</tool_call>)",
        R"(<tool_call>{"name": 5, "arguments": {}}</tool_call>)",
        R"(<tool_call>{"name": "", "arguments": {}}</tool_call>)",
        R"(<tool_call>{"name": "f", "arguments": "{}"}</tool_call>)",
        R"(<tool_call>{"name": "f", "arguments": null}</tool_call>)",
        R"(<tool_call>["name"]</tool_call>)",
        "<tool_call>",
        "<tool_call>\n",
        "<tool_call>{",
        "text </tool_call>",
        "\n\n"}) {
    EXPECT_EQ(MessageParser::parse(tools("hermes"), text).content, text);
    EXPECT_EQ(MessageParser::parse(tools("hermes"), text).tool_calls.size(), 0u) << text;
  }
  for (const std::string_view text : {"[f(1)]", "[f(a=b)", "[f]", "[", "[]", "[1, 2]", "f(a=1)"})
    EXPECT_EQ(MessageParser::parse(tools("pythonic"), text).tool_calls.size(), 0u) << text;
}

TEST(MessageParser, ACallThatBreaksOffKeepsWhatWasSentAndTheRestIsContent) {
  EXPECT_EQ(
      parse(
          tools("hermes"), R"(<tool_call>{"name": "f", "arguments": {"a": 1, oops}}</tool_call>)"
      ),
      R"(reasoning [] content [oops}}</tool_call>] calls: f({"a": 1))"
  );
  EXPECT_EQ(
      parse(tools("hermes"), R"(<tool_call>{"name": "f", "arguments": {"a": "Par)"),
      R"(reasoning [] content [] calls: f({"a": "Par))"
  );
}

TEST(MessageParser, ArgumentsHaveTheFormOfJsonDumps) {
  EXPECT_EQ(
      hermes_arguments("{ \"a\" :1,\n\"b\":[ 1 ,2 ] ,\"c\":{ } }"),
      R"({"a": 1, "b": [1, 2], "c": {}})"
  );
  EXPECT_EQ(
      hermes_arguments(R"({"a": "\u00e9\/\ud83d\ude00\t\u0001"})"), "{\"a\": \"é/😀\\t\\u0001\"}"
  );
  EXPECT_EQ(
      hermes_arguments(R"({"a": "\ud83dx", "b": "\ude00"})"), R"({"a": "\ud83dx", "b": "\ude00"})"
  );
  EXPECT_EQ(hermes_arguments("{\"a\": \"line\nbreak\"}"), R"({"a": "line\nbreak"})");
  EXPECT_EQ(
      hermes_arguments(R"({"a": -0.50e+10, "b": 123456789012345678901234567890})"),
      R"({"a": -0.50e+10, "b": 123456789012345678901234567890})"
  );
}

TEST(MessageParser, ArgumentsMustBeJson) {
  for (const std::string_view json :
       {"{\"a\": 01}",
        "{\"a\": 1.}",
        "{\"a\": +1}",
        "{\"a\": --1}",
        "{\"a\": nul}",
        "{'a': 1}",
        "{\"a\": 1,}",
        "{\"a\": [1,]}",
        "{\"a\" 1}",
        "{a: 1}",
        R"({"a": "\q"})",
        R"({"a": "\u12g4"})",
        "{\"a\": NaN}",
        "{\"a\": 1]",
        "{\"a\": [1}}"})
    EXPECT_THAT(hermes_arguments(json), testing::StartsWith("no call")) << json;
}

TEST(MessageParser, NestingIsBounded) {
  const auto nested = [](size_t depth) {
    return "{\"a\": " + std::string(depth - 1, '[') + std::string(depth - 1, ']') + "}";
  };
  EXPECT_EQ(hermes_arguments(nested(128)), nested(128));
  EXPECT_THAT(hermes_arguments(nested(129)), testing::StartsWith("no call"));
}

TEST(MessageParser, WhatMayBecomeACallIsKeptBackUpToALimit) {
  const std::string value(300 * 1024, 'x');
  const std::string text =
      R"([TOOL_CALLS] [{"arguments": {"a": ")" + value + R"("}, "name": "f"}])";
  EXPECT_EQ(MessageParser::parse(tools("mistral"), text).content, text);
  MessageParser parser(tools("mistral"));
  EXPECT_GT(parser.push(text).content.size(), 256u * 1024);
  const std::string usual =
      R"([TOOL_CALLS] [{"name": "f", "arguments": {"a": ")" + value + R"("}}])";
  EXPECT_EQ(
      MessageParser::parse(tools("mistral"), usual).tool_calls.at(0).arguments.size(),
      value.size() + 9
  );
}

constexpr const char* kTools = R"([{"type": "function", "function": {"name": "f", "parameters": {
  "type": "object", "properties": {
    "s": {"type": "string"}, "i": {"type": "integer"}, "n": {"type": "number"},
    "b": {"type": "boolean"}, "a": {"type": "array"}, "o": {"type": "object"},
    "maybe": {"anyOf": [{"type": "null"}, {"type": "string"}]}, "list": {"type": ["integer", "null"]},
    "none": {"description": "no type"}}}}}])";

std::string converted(const std::string& parameter, const std::string& value) {
  const Message message = MessageParser::parse(
      tools("qwen3_coder", kTools),
      "<tool_call>\n<function=f>\n<parameter=" + parameter + ">\n" + value +
          "\n</parameter>\n</function>\n</tool_call>"
  );
  if (message.tool_calls.size() != 1 || message.content) return "no call: " + describe(message);
  const std::string head = "{\"" + parameter + "\": ";
  const std::string& arguments = message.tool_calls[0].arguments;
  return arguments.substr(head.size(), arguments.size() - head.size() - 1);
}

TEST(MessageParser, XmlValuesTakeTheTypeOfTheSchema) {
  EXPECT_EQ(converted("s", "42"), R"("42")");
  EXPECT_EQ(converted("s", "null"), R"("null")");
  EXPECT_EQ(converted("i", "42"), "42");
  EXPECT_EQ(converted("i", " -007 "), "-7");
  EXPECT_EQ(converted("i", "4.5"), R"("4.5")");
  EXPECT_EQ(converted("i", "None"), "null");
  EXPECT_EQ(converted("n", "5.0"), "5");
  EXPECT_EQ(converted("n", "3.14"), "3.14");
  EXPECT_EQ(converted("n", "123456789012345678901234567890"), "123456789012345678901234567890");
  EXPECT_EQ(converted("n", "nan"), R"("nan")");
  EXPECT_EQ(converted("b", "True"), "true");
  EXPECT_EQ(converted("b", "yes"), R"("yes")");
  EXPECT_EQ(converted("a", "[1,\"b\"]"), R"([1, "b"])");
  EXPECT_EQ(converted("a", "['it\\'s', (1)]"), R"("['it\\'s', (1)]")");
  EXPECT_EQ(converted("o", "{'k': [True, None], 2: 'v'}"), R"({"k": [true, null], "2": "v"})");
  EXPECT_EQ(converted("maybe", "null"), "null");
  EXPECT_EQ(converted("maybe", "12"), R"("12")");
  EXPECT_EQ(converted("list", "12"), "12");
  EXPECT_EQ(converted("list", "null"), "null");
  EXPECT_EQ(converted("none", "12"), R"("12")");
  EXPECT_EQ(converted("unknown", "12"), R"("12")");
  EXPECT_EQ(converted("s", ""), R"("")");
  EXPECT_EQ(converted("s", "\n two\nlines \n"), R"("\n two\nlines \n")");
}

TEST(MessageParser, AResponsesToolHasTypesToo) {
  const std::string json = R"([{"type": "function", "name": "f",
                               "parameters": {"properties": {"i": {"type": "integer"}}}}])";
  EXPECT_EQ(
      parse(tools("qwen3_xml", json), "<function=f><parameter=i>1</parameter></function>"),
      R"(reasoning [] content [] calls: f({"i": 1}))"
  );
  EXPECT_THROW(MessageParser(tools("qwen3_xml", "{")), InvalidArgument);
}

TEST(MessageParser, PythonLiteralsBecomeJson) {
  EXPECT_EQ(
      parse(
          tools("pythonic"),
          R"([f(a='it\'s', b="q\"x\n\x41\u00e9\d", c=[1, 2.,], d={'k': None, 3: True,}, e=-1,), m.g()])"
      ),
      R"(reasoning [] content [] calls: f({"a": "it's", "b": "q\"x\nAé\\d", "c": [1, 2.0], )"
      R"("d": {"k": null, "3": true}, "e": -1}) m.g({}))"
  );
}

TEST(MessageParser, LlamaWritesSeveralCallsWithSemicolons) {
  EXPECT_EQ(
      parse(
          tools("llama3_json"),
          R"(<|python_tag|>{"name": "f", "parameters": {"a": 1}}; {"name": "g", "parameters": {}})"
      ),
      R"(reasoning [] content [] calls: f({"a": 1}) g({}))"
  );
  EXPECT_EQ(
      parse(
          tools("llama3_json"), R"(Sure: {"type": "function", "name": "f", "parameters": {}} ok)"
      ),
      "reasoning [] content [Sure:  ok] calls: f({})"
  );
  const std::string person = R"({"name": "John", "age": 5})";
  EXPECT_EQ(MessageParser::parse(tools("llama3_json"), person).content, person);
}

TEST(MessageParser, GraniteTakesABareListOnlyAtTheBeginning) {
  const std::string list = R"([{"name": "f", "arguments": {}}])";
  EXPECT_EQ(parse(tools("granite"), list), "reasoning [] content [] calls: f({})");
  EXPECT_EQ(MessageParser::parse(tools("granite"), "See " + list).content, "See " + list);
}

TEST(MessageParser, ToolCallsFollowThoughts) {
  MessageFormat format = tools("hermes");
  format.reasoning_parser = "qwen3";
  const std::string call = R"(<tool_call>{"name": "f", "arguments": {}}</tool_call>)";
  EXPECT_EQ(
      parse(format, "<think>\nI call " + call), "reasoning [\nI call ] content [] calls: f({})"
  );
  EXPECT_EQ(
      parse(format, "<think>\nHm.\n</think>\n\n" + call),
      "reasoning [\nHm.\n] content [] calls: f({})"
  );
  format.reasoning_parser = "deepseek_r1";
  EXPECT_EQ(
      parse(format, "<think>" + call + "</think>Done."),
      "reasoning [" + call + "] content [Done.] calls:"
  );
}

TEST(MessageParser, ThePromptSaysWhetherThoughtsAreOpen) {
  const auto begin = [](std::string name, std::string_view prompt) {
    return after_prompt(thoughts(std::move(name)), prompt);
  };
  EXPECT_TRUE(begin("deepseek_v3", "<｜Assistant｜><think>\n").starts_in_reasoning);
  EXPECT_TRUE(begin("qwen3", "assistant\n<think>\n\n</think>\n\n").reasoning_has_ended);
  const MessageFormat neither = begin("qwen3", "a <think>b</think> c\n");
  EXPECT_FALSE(neither.starts_in_reasoning || neither.reasoning_has_ended);

  EXPECT_EQ(
      parse(begin("deepseek_v3", "<think>"), "a</think>b"), "reasoning [a] content [b] calls:"
  );
  EXPECT_EQ(
      parse(begin("deepseek_v3", "?"), "a</think>b"), "reasoning [] content [a</think>b] calls:"
  );
  EXPECT_EQ(parse(begin("qwen3", "<think></think>"), "a"), "reasoning [] content [a] calls:");
  EXPECT_EQ(parse(begin("qwen3", "?"), "a"), "reasoning [a] content [] calls:");
  EXPECT_EQ(MessageParser::parse(begin("qwen3", "?"), "a").content, std::nullopt);
}

TEST(MessageParser, OnlyFormatsWithSpecialTagsNeedSpecialTokens) {
  EXPECT_TRUE(needs_special_tokens(tools("mistral")));
  EXPECT_TRUE(needs_special_tokens(tools("deepseek_v3")));
  EXPECT_FALSE(needs_special_tokens(tools("llama3_json")));
  EXPECT_FALSE(needs_special_tokens(tools("pythonic")));
  EXPECT_TRUE(needs_special_tokens(thoughts("mistral")));
  EXPECT_FALSE(needs_special_tokens(thoughts("qwen3")));
  EXPECT_FALSE(needs_special_tokens({}));
}

TEST(MessageParser, NamesAreSortedAndUnique) {
  for (auto names : {tool_call_parser_names(), reasoning_parser_names()}) {
    auto sorted = names;
    std::sort(sorted.begin(), sorted.end());
    sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
    EXPECT_EQ(names, sorted);
  }
  EXPECT_THAT(
      reasoning_parser_names(),
      ElementsAre("deepseek_r1", "deepseek_v3", "granite", "mistral", "qwen3")
  );
}

}  // namespace
}  // namespace quire::server
