#include "server/anthropic/message_routes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/endpoint_server.h"
#include "server/json_text.h"
#include "server/requests/common_request.h"
#include "support/captured_log.h"

namespace quire::server {
namespace {

using test::EndpointServer;
using test::JsonText;
using test::SentEvent;

EndpointServer serve(const std::string& text, ServerConfig config = {}) {
  return EndpointServer(
      [](ServerState& state) { return make_messages_routes(state); }, text, std::move(config)
  );
}

ServerConfig config_with_tools() {
  ServerConfig config;
  config.enable_auto_tool_choice = true;
  config.tool_call_parser = "hermes";
  return config;
}

constexpr const char* kCall =
    "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Rome\"}}\n</tool_call>";
constexpr const char* kTools =
    R"("tools": [{"name": "weather", "input_schema": {"type": "object"}}])";

std::string body(const std::string& more = "") {
  return R"({"model": "small-chat", "max_tokens": 50, "messages": [{"role": "user", "content": "Hi"}])" +
         (more.empty() ? "" : ", " + more) + "}";
}

TEST(MessagesTest, AnswersWithATextBlock) {
  auto server = serve("Hello.");
  const auto response = server.post("/v1/messages", body());
  ASSERT_EQ(response.status, 200) << response.body;
  const JsonText json(response.body);
  EXPECT_THAT(json.text("/id"), ::testing::StartsWith("msg_"));
  EXPECT_EQ(json.text("/type"), "message");
  EXPECT_EQ(json.text("/role"), "assistant");
  EXPECT_EQ(json.text("/content/0/text"), "Hello.");
  EXPECT_EQ(json.text("/stop_reason"), "end_turn");
  EXPECT_EQ(json.show("/stop_sequence"), "null");
  EXPECT_GT(json.number("/usage/input_tokens"), 0);
}

TEST(MessagesTest, TheSystemPromptIsPartOfTheInput) {
  auto server = serve("ok");
  const auto tokens = [&](const std::string& more) {
    return JsonText(server.post("/v1/messages/count_tokens", body(more)).body)
        .number("/input_tokens");
  };
  EXPECT_GT(tokens(R"("system": "Be brief.")"), tokens(""));
  EXPECT_EQ(
      tokens(R"("system": [{"type": "text", "text": "Be brief."}])"),
      tokens(R"("system": "Be brief.")")
  );
}

TEST(MessagesTest, StopsAtItsLimitAndAtASequence) {
  auto server = serve("one two three four");
  const auto cut = server.post(
      "/v1/messages",
      R"({"model": "small-chat", "max_tokens": 1, "messages": [{"role": "user", "content": "Hi"}]})"
  );
  EXPECT_EQ(JsonText(cut.body).text("/stop_reason"), "max_tokens");
  const auto stopped = server.post("/v1/messages", body(R"("stop_sequences": [" three"])"));
  const JsonText json(stopped.body);
  EXPECT_EQ(json.text("/stop_reason"), "stop_sequence");
  EXPECT_EQ(json.text("/stop_sequence"), " three");
  EXPECT_EQ(json.text("/content/0/text"), "one two");
}

TEST(MessagesTest, ToolCallsAreToolUseBlocks) {
  auto server = serve(kCall, config_with_tools());
  const auto response = server.post("/v1/messages", body(kTools));
  ASSERT_EQ(response.status, 200) << response.body;
  const JsonText json(response.body);
  EXPECT_EQ(json.text("/stop_reason"), "tool_use");
  EXPECT_EQ(json.text("/content/0/type"), "tool_use");
  EXPECT_EQ(json.text("/content/0/name"), "weather");
  EXPECT_EQ(json.show("/content/0/input"), R"({"city":"Rome"})");
}

TEST(MessagesTest, AConversationWithToolResultsGoesOn) {
  auto server = serve("Sunny.", config_with_tools());
  const auto response = server.post("/v1/messages", R"({"model": "small-chat", "max_tokens": 20,
      "messages": [
        {"role": "user", "content": "Weather?"},
        {"role": "assistant", "content": [{"type": "text", "text": "Let me look."},
            {"type": "tool_use", "id": "t1", "name": "weather", "input": {"city": "Rome"}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1",
            "content": [{"type": "text", "text": "sun"}]}, {"type": "text", "text": "Well?"}]}]})");
  ASSERT_EQ(response.status, 200) << response.body;
  EXPECT_EQ(JsonText(response.body).text("/content/0/text"), "Sunny.");
}

TEST(MessagesTest, EventsOfAStreamComeInTheOrderOfTheApi) {
  auto server = serve("Hi there.");
  const auto events = server.stream("/v1/messages", body(R"("stream": true)"));
  ASSERT_GE(events.size(), 6u);
  EXPECT_EQ(events[0].name, "message_start");
  EXPECT_EQ(events[1].name, "content_block_start");
  EXPECT_EQ(events[2].name, "content_block_delta");
  EXPECT_EQ(events[events.size() - 3].name, "content_block_stop");
  EXPECT_EQ(events[events.size() - 2].name, "message_delta");
  EXPECT_EQ(events[events.size() - 1].name, "message_stop");
  std::string text;
  for (const SentEvent& event : events) {
    const JsonText json(event.data);
    EXPECT_EQ(json.text("/type"), event.name);
    if (event.name == "content_block_delta") text += json.text("/delta/text");
  }
  EXPECT_EQ(text, "Hi there.");
  EXPECT_GT(JsonText(events[0].data).number("/message/usage/input_tokens"), 0);
  EXPECT_EQ(JsonText(events[events.size() - 2].data).text("/delta/stop_reason"), "end_turn");
}

TEST(MessagesTest, AStreamedCallComesAsPiecesOfItsInput) {
  auto server = serve(kCall, config_with_tools());
  const auto events =
      server.stream("/v1/messages", body(std::string(kTools) + R"(, "stream": true)"));
  std::string input;
  std::string name;
  for (const SentEvent& event : events) {
    const JsonText json(event.data);
    if (event.name == "content_block_start") {
      name = json.text("/content_block/name");
      EXPECT_EQ(json.show("/content_block/input"), "{}");
    }
    if (event.name == "content_block_delta") input += json.text("/delta/partial_json");
  }
  EXPECT_EQ(name, "weather");
  EXPECT_EQ(JsonText(input).text("/city"), "Rome");
}

TEST(MessagesTest, ThoughtsAreThinkingBlocks) {
  ServerConfig config;
  config.reasoning_parser = "qwen3";
  auto server = serve("<think>hm</think>Yes.", config);
  const auto response = server.post(
      "/v1/messages", body(R"("thinking": {"type": "enabled", "budget_tokens": 2000})")
  );
  ASSERT_EQ(response.status, 200) << response.body;
  const JsonText json(response.body);
  EXPECT_EQ(json.text("/content/0/type"), "thinking");
  EXPECT_EQ(json.text("/content/0/thinking"), "hm");
  EXPECT_EQ(json.text("/content/1/text"), "Yes.");
}

TEST(MessagesTest, UnknownMembersAreLogged) {
  auto server = serve("ok");
  const test::CapturedLog log;
  const auto response = server.post(
      "/v1/messages",
      body(R"("thinking": {"type": "disabled", "budget": 5}, "output_config": {"efort": "low"})")
  );
  EXPECT_EQ(response.status, 200) << response.body;
  for (const char* name : {"thinking.budget", "output_config.efort"})
    EXPECT_THAT(log.text(), ::testing::HasSubstr(name));
}

TEST(MessagesTest, ErrorsHaveAnthropicsShape) {
  auto server = serve("ok");
  const auto response = server.post("/v1/messages", R"({"model": "small-chat", "max_tokens": 5})");
  EXPECT_EQ(response.status, 400);
  const JsonText json(response.body);
  EXPECT_EQ(json.text("/type"), "error");
  EXPECT_EQ(json.text("/error/type"), "invalid_request_error");
  EXPECT_THAT(json.text("/error/message"), ::testing::HasSubstr("messages"));
  EXPECT_EQ(json.text("/request_id"), "0123");
  const auto unknown = server.post(
      "/v1/messages",
      R"({"model": "x", "max_tokens": 5, "messages": [{"role": "user", "content": "Hi"}]})"
  );
  EXPECT_EQ(unknown.status, 404);
  EXPECT_EQ(JsonText(unknown.body).text("/error/type"), "not_found_error");
}

TEST(MessagesTest, UnsupportedWishesAreRefusedByName) {
  auto server = serve("ok", config_with_tools());
  const std::pair<std::string, const char*> cases[] = {
      {R"("thinking": {"type": "enabled", "budget_tokens": 2000})", "thinking"},
      {std::string(kTools) + R"(, "tool_choice": {"type": "any"})", "tool_choice.type"},
      {R"("tools": [{"type": "bash_20250124", "name": "bash"}])", "tools[0].type"},
      {R"("output_config": {"format": {"type": "json_schema"}})", "output_config.format"},
      {R"("mcp_servers": [{"url": "x"}])", "mcp_servers"},
      {R"("stop_sequences": [""])", "stop_sequences"},
      {R"("system": [{"type": "image"}])", "system[0].type"},
      {R"("service_tier": "flex")", "service_tier"},
  };
  for (const auto& [field, name] : cases) {
    const auto response = server.post("/v1/messages", body(field));
    EXPECT_EQ(response.status, 400) << field;
    EXPECT_THAT(JsonText(response.body).text("/error/message"), ::testing::StartsWith(name));
  }
}

std::string list_of(size_t count, const std::string& entry) {
  std::string list = "[" + entry;
  for (size_t i = 1; i < count; ++i)
    list += "," + entry;
  return list + "]";
}

TEST(MessagesTest, BoundsWhatOneClientMayAskFor) {
  auto server = serve("ok", config_with_tools());
  const std::string tool = R"({"name": "f", "input_schema": {"type": "object"}})";
  const std::string bodies[] = {
      body(R"("stop_sequences": )" + list_of(kMaxStopStrings + 1, R"("x")")),
      body(R"("tools": )" + list_of(kMaxTools + 1, tool)),
      R"({"model": "small-chat", "max_tokens": 5, "messages": )" +
          list_of(kMaxMessages + 1, R"({"role": "user", "content": "Hi"})") + "}",
  };
  for (const std::string& given : bodies) {
    const auto response = server.post("/v1/messages", given);
    EXPECT_EQ(response.status, 400);
    EXPECT_THAT(JsonText(response.body).text("/error/message"), ::testing::HasSubstr("at most"));
  }
  EXPECT_EQ(
      server
          .post("/v1/messages", body(R"("stop_sequences": )" + list_of(kMaxStopStrings, R"("x")")))
          .status,
      200
  );
}

TEST(MessagesTest, AnswersUnderTheFirstName) {
  auto server = serve("ok", {.served_model_name = {"first", "small-chat"}});
  EXPECT_EQ(JsonText(server.post("/v1/messages", body()).body).text("/model"), "first");
}

TEST(MessagesTest, CountsLongConversationsToo) {
  auto server = serve("ok");
  std::string text;
  for (int i = 0; i < 2000; ++i)
    text += "word ";
  const auto response = server.post(
      "/v1/messages/count_tokens",
      R"({"model": "small-chat", "messages": [{"role": "user", "content": ")" + text + "\"}]}"
  );
  ASSERT_EQ(response.status, 200) << response.body;
  EXPECT_GT(JsonText(response.body).number("/input_tokens"), server.engine().max_model_len());
}

}  // namespace
}  // namespace quire::server
