#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/openai/openai_server.h"

// The bundled model really calls a tool, and answers once it has the result.
namespace quire::server {
namespace {

using test::JsonText;
using test::OpenAiServer;
using testing::HasSubstr;

constexpr const char* kPath = "/v1/chat/completions";

// As in models/README.md.
constexpr const char* kTools =
    R"("tools": [{"type": "function", "function": {"name": "FindRestaurants",)"
    R"( "description": "Find a restaurant of a particular cuisine in a city",)"
    R"( "parameters": {"type": "object", "properties": {"city": {"type": "string"},)"
    R"( "cuisine": {"type": "string"},)"
    R"( "price_range": {"type": "string", "enum": ["cheap", "moderate", "expensive"]}},)"
    R"( "required": ["city", "cuisine"]}}}])";

constexpr const char* kQuestion =
    R"({"role": "user", "content": "Find me an Italian restaurant in Berkeley."})";
constexpr const char* kArguments = R"({"city": "Berkeley", "cuisine": "Italian"})";

std::unique_ptr<OpenAiServer> small_chat() {
  ServerConfig config;
  config.enable_auto_tool_choice = true;
  config.tool_call_parser = "hermes";
  return OpenAiServer::with_small_chat(config);
}

std::string body(const std::string& messages, const std::string& more = "") {
  return R"({"model": "small-chat", "temperature": 0, "messages": [)" + messages + "], " + kTools +
         more + "}";
}

TEST(SmallChat, CallsATool) {
  const auto server = small_chat();
  const auto answer = server->post_json(kPath, body(kQuestion));
  ASSERT_EQ(answer->size("/choices/0/message/tool_calls"), 1u) << answer->show();
  const std::string call = "/choices/0/message/tool_calls/0";
  EXPECT_EQ(answer->text(call + "/function/name"), "FindRestaurants");
  EXPECT_EQ(answer->text(call + "/function/arguments"), kArguments);
  EXPECT_EQ(answer->show("/choices/0/message/content"), "null");
  EXPECT_EQ(answer->text("/choices/0/finish_reason"), "tool_calls");
}

TEST(SmallChat, StreamsTheArgumentsOfItsCall) {
  const auto server = small_chat();
  const auto events = server->stream(kPath, body(kQuestion, R"(, "stream": true)"));
  const std::string function = "/choices/0/delta/tool_calls/0/function";
  EXPECT_EQ(test::joined(events, function + "/name"), "FindRestaurants");
  EXPECT_EQ(test::joined(events, function + "/arguments"), kArguments);
  EXPECT_EQ(test::joined(events, "/choices/0/delta/content"), "");
  EXPECT_EQ(JsonText(events.back()).text("/choices/0/finish_reason"), "tool_calls");
  int num_events_with_arguments = 0;
  for (const std::string& event : events)
    num_events_with_arguments += JsonText(event).has(function + "/arguments");
  EXPECT_GT(num_events_with_arguments, 3) << "the arguments came in one piece";
}

TEST(SmallChat, AnswersInWordsWhenToolChoiceIsNone) {
  const auto server = small_chat();
  const auto answer = server->post_json(kPath, body(kQuestion, R"(, "tool_choice": "none")"));
  EXPECT_EQ(answer->size("/choices/0/message/tool_calls"), 0u);
  EXPECT_EQ(answer->text("/choices/0/finish_reason"), "stop");
}

TEST(SmallChat, AnswersInWordsAfterTheToolsResult) {
  const auto server = small_chat();
  const std::string call =
      R"({"role": "assistant", "content": null, "tool_calls": [{"id": "chatcmpl-tool-1",)"
      R"( "type": "function", "function": {"name": "FindRestaurants",)"
      R"( "arguments": "{\"city\": \"Berkeley\", \"cuisine\": \"Italian\"}"}}]})";
  const std::string result =
      R"({"role": "tool", "tool_call_id": "chatcmpl-tool-1",)"
      R"( "content": "[{\"restaurant_name\": \"Agrodolce Osteria\", \"city\": \"Berkeley\"}]"})";
  const auto answer =
      server->post_json(kPath, body(std::string(kQuestion) + ", " + call + ", " + result));
  EXPECT_EQ(answer->size("/choices/0/message/tool_calls"), 0u);
  // So small a model does not copy the name, but tells that it has found one.
  EXPECT_THAT(
      answer->text("/choices/0/message/content"), HasSubstr("I found 1 restaurant in Berkeley")
  );
}

}  // namespace
}  // namespace quire::server
