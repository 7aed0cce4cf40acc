#include "server/responses/response_routes.h"

#include <algorithm>

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
using ::testing::HasSubstr;

std::unique_ptr<EndpointServer> serve(
    const std::string& text, ServerConfig config = {}, std::shared_ptr<ResponseStore> store = {}
) {
  const auto make_routes = [store](ServerState& state) {
    return make_responses_routes(state, store);
  };
  return std::make_unique<EndpointServer>(make_routes, text, std::move(config));
}

std::shared_ptr<ResponseStore> make_store() {
  return std::make_shared<ResponseStore>(10, 1 << 20);
}

TEST(ResponsesTest, AnswersAText) {
  auto server = serve("Paris.");
  const auto response = server->post("/v1/responses", R"({"input": "Capital of France?"})");
  ASSERT_EQ(response.status, 200) << response.body;
  const JsonText json(response.body);
  EXPECT_EQ(json.text("/object"), "response");
  EXPECT_THAT(json.text("/id"), ::testing::StartsWith("resp_"));
  EXPECT_EQ(json.text("/status"), "completed");
  EXPECT_EQ(json.text("/model"), "small-chat");
  EXPECT_EQ(json.text("/output/0/type"), "message");
  EXPECT_EQ(json.text("/output/0/content/0/text"), "Paris.");
  EXPECT_EQ(
      json.number("/usage/total_tokens"),
      json.number("/usage/input_tokens") + json.number("/usage/output_tokens")
  );
  EXPECT_GT(json.number("/usage/input_tokens"), 0);
}

TEST(ResponsesTest, AnswersUnderTheFirstName) {
  auto server = serve("ok", {.served_model_name = {"first", "second"}});
  const auto response = server->post("/v1/responses", R"({"input": "Hi", "model": "second"})");
  EXPECT_EQ(JsonText(response.body).text("/model"), "first");
}

TEST(ResponsesTest, InstructionsComeFirst) {
  auto server = serve("ok");
  const auto with =
      server->post("/v1/responses", R"({"input": "Hi", "instructions": "Be brief."})");
  const auto without = server->post("/v1/responses", R"({"input": "Hi"})");
  EXPECT_GT(
      JsonText(with.body).number("/usage/input_tokens"),
      JsonText(without.body).number("/usage/input_tokens")
  );
  EXPECT_EQ(JsonText(with.body).text("/instructions"), "Be brief.");
}

TEST(ResponsesTest, RepeatsWhatTheRequestSaid) {
  auto server = serve("ok");
  const auto response = server->post("/v1/responses", R"({"input": "Hi", "temperature": 0.25,
      "top_p": 0.5, "metadata": {"run": "7"}, "max_output_tokens": 20, "user": "me"})");
  const JsonText json(response.body);
  EXPECT_EQ(json.show("/temperature"), "0.25");
  EXPECT_EQ(json.show("/top_p"), "0.5");
  EXPECT_EQ(json.show("/metadata"), R"({"run":"7"})");
  EXPECT_EQ(json.number("/max_output_tokens"), 20);
  EXPECT_EQ(json.text("/user"), "me");
  EXPECT_EQ(json.show("/store"), "false");
}

TEST(ResponsesTest, TheLimitOfTokensLeavesItIncomplete) {
  auto server = serve("one two three four five six");
  const auto response =
      server->post("/v1/responses", R"({"input": "Count", "max_output_tokens": 2})");
  const JsonText json(response.body);
  EXPECT_EQ(json.text("/status"), "incomplete");
  EXPECT_EQ(json.text("/incomplete_details/reason"), "max_output_tokens");
  EXPECT_EQ(json.text("/output/0/status"), "incomplete");
  EXPECT_EQ(json.number("/usage/output_tokens"), 2);
}

TEST(ResponsesTest, ToolCallsAreItems) {
  ServerConfig config;
  config.enable_auto_tool_choice = true;
  config.tool_call_parser = "hermes";
  auto server = serve(
      "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Rome\"}}\n</tool_call>",
      config
  );
  const auto response = server->post("/v1/responses", R"({"input": "Weather in Rome?", "tools": [
      {"type": "function", "name": "weather", "parameters": {"type": "object"}}]})");
  ASSERT_EQ(response.status, 200) << response.body;
  const JsonText json(response.body);
  EXPECT_EQ(json.size("/output"), 1u) << response.body;
  EXPECT_EQ(json.text("/output/0/type"), "function_call");
  EXPECT_EQ(json.text("/output/0/name"), "weather");
  EXPECT_EQ(JsonText(json.text("/output/0/arguments")).text("/city"), "Rome");
}

TEST(ResponsesTest, AStreamTellsTheSameAsOneAnswer) {
  auto server = serve("Hello, world.");
  const auto events = server->stream("/v1/responses", R"({"input": "Hi", "stream": true})");
  ASSERT_GE(events.size(), 8u);
  EXPECT_EQ(events[0].name, "response.created");
  EXPECT_EQ(events[1].name, "response.in_progress");
  EXPECT_EQ(events[2].name, "response.output_item.added");
  EXPECT_EQ(events.back().name, "response.completed");
  std::string text;
  int64_t number = 0;
  for (const SentEvent& event : events) {
    const JsonText json(event.data);
    EXPECT_EQ(json.text("/type"), event.name);
    EXPECT_EQ(json.number("/sequence_number"), number++);
    if (event.name == "response.output_text.delta") text += json.text("/delta");
  }
  EXPECT_EQ(text, "Hello, world.");
  EXPECT_EQ(JsonText(events.back().data).text("/response/output/0/content/0/text"), text);
}

TEST(ResponsesTest, ThoughtsAreItemsWithAReasoningParser) {
  ServerConfig config;
  config.reasoning_parser = "qwen3";
  auto server = serve("<think>hm</think>Yes.", config);
  const auto response = server->post("/v1/responses", R"({"input": "Sure?"})");
  const JsonText json(response.body);
  ASSERT_EQ(json.size("/output"), 2u) << response.body;
  EXPECT_EQ(json.text("/output/0/type"), "reasoning");
  EXPECT_EQ(json.text("/output/0/content/0/text"), "hm");
  EXPECT_EQ(json.text("/output/1/content/0/text"), "Yes.");
  EXPECT_GT(json.number("/usage/output_tokens_details/reasoning_tokens"), 0);
}

TEST(ResponsesTest, LogprobsComeWhenIncluded) {
  auto server = serve("Yes.");
  const auto response = server->post("/v1/responses", R"({"input": "Sure?", "top_logprobs": 2,
      "include": ["message.output_text.logprobs"]})");
  ASSERT_EQ(response.status, 200) << response.body;
  const JsonText json(response.body);
  ASSERT_GT(json.size("/output/0/content/0/logprobs"), 0u) << response.body;
  EXPECT_EQ(json.size("/output/0/content/0/logprobs/0/top_logprobs"), 2u);
  EXPECT_EQ(json.show("/output/0/content/0/logprobs/0/logprob"), "-0.5");
}

TEST(ResponsesTest, BoundsTheNumberOfMessages) {
  auto server = serve("ok");
  const std::string item = R"({"role": "user", "content": "Hi"})";
  std::string items = item;
  for (size_t i = 0; i < kMaxMessages; ++i)
    items += "," + item;
  const auto response = server->post("/v1/responses", R"({"input": [)" + items + "]}");
  EXPECT_EQ(response.status, 400);
  EXPECT_THAT(
      JsonText(response.body).text("/error/message"), ::testing::HasSubstr("at most 10000")
  );
}

TEST(ResponsesTest, UnsupportedWishesAreRefusedByName) {
  auto server = serve("ok");
  const std::pair<const char*, const char*> cases[] = {
      {R"("background": true)", "background"},
      {R"("conversation": "c")", "conversation"},
      {R"("prompt": {"id": "p"})", "prompt"},
      {R"("service_tier": "flex")", "service_tier"},
      {R"("store": true)", "store"},
      {R"("previous_response_id": "resp_1")", "previous_response_id"},
      {R"("text": {"format": {"type": "json_object"}})", "text.format.type"},
      {R"("text": {"verbosity": "low"})", "text.verbosity"},
      {R"("tool_choice": "required")", "tool_choice"},
      {R"("include": ["file_search_call.results"])", "include"},
      {R"("top_logprobs": 3)", "top_logprobs"},
      {R"("truncation": "middle")", "truncation"},
      {R"("max_output_tokens": 0)", "max_output_tokens"},
      {R"("temperature": 3)", "temperature"},
      {R"("metadata": {"a": 1})", "metadata.a"},
      {R"("top_k": -5)", "top_k"},
  };
  for (const auto& [field, name] : cases) {
    const auto response =
        server->post("/v1/responses", R"({"input": "Hi", )" + std::string(field) + "}");
    EXPECT_EQ(response.status, 400) << field;
    EXPECT_EQ(JsonText(response.body).text("/error/param"), name) << response.body;
  }
}

TEST(ResponsesTest, UnknownMembersAreLogged) {
  auto server = serve("ok");
  const test::CapturedLog log;
  const auto response = server->post("/v1/responses", R"({"input": "Hi",
      "reasoning": {"efort": "low"}, "text": {"verbosty": "low"},
      "repetition_detection": {"max_patern_size": 3}})");
  EXPECT_EQ(response.status, 200) << response.body;
  for (const char* name : {"reasoning.efort", "text.verbosty", "repetition_detection.max_patern"})
    EXPECT_THAT(log.text(), HasSubstr(name));
}

TEST(ResponsesTest, AnUnknownModelIsNotFound) {
  auto server = serve("ok");
  EXPECT_EQ(server->post("/v1/responses", R"({"input": "Hi", "model": "x"})").status, 404);
}

TEST(ResponsesTest, WithoutAStoreNothingIsKept) {
  auto server = serve("ok");
  const auto response = server->get("/v1/responses/resp_1");
  EXPECT_EQ(response.status, 404);
  EXPECT_THAT(response.body, HasSubstr("VLLM_ENABLE_RESPONSES_API_STORE"));
}

TEST(ResponsesTest, AKeptResponseIsFoundAndGoneOnWith) {
  auto server = serve("Blue.", {}, make_store());
  const auto first = server->post("/v1/responses", R"({"input": "Favourite colour?"})");
  const JsonText first_json(first.body);
  const std::string id = first_json.text("/id");
  EXPECT_EQ(server->get("/v1/responses/" + id).body, first.body);
  const auto second =
      server->post("/v1/responses", R"({"input": "Why?", "previous_response_id": ")" + id + "\"}");
  ASSERT_EQ(second.status, 200) << second.body;
  EXPECT_GT(
      JsonText(second.body).number("/usage/input_tokens"),
      first_json.number("/usage/input_tokens") + first_json.number("/usage/output_tokens")
  ) << "the first question and its answer are part of the prompt";
}

TEST(ResponsesTest, AResponseWhoseCallWasCutOffCannotBeGoneOnWith) {
  ServerConfig config;
  config.enable_auto_tool_choice = true;
  config.tool_call_parser = "hermes";
  auto server = serve(
      "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Ro", config, make_store()
  );
  const std::string tools =
      R"("tools": [{"type": "function", "name": "weather", "parameters": {"type": "object"}}])";
  const auto first = server->post("/v1/responses", R"({"input": "Weather?", )" + tools + "}");
  const JsonText first_json(first.body);
  ASSERT_EQ(first_json.text("/output/0/type"), "function_call") << first.body;
  const auto second = server->post(
      "/v1/responses",
      R"({"input": "And?", "previous_response_id": ")" + first_json.text("/id") + "\"}"
  );
  EXPECT_EQ(second.status, 400);
  EXPECT_EQ(JsonText(second.body).text("/error/param"), "previous_response_id") << second.body;
}

TEST(ResponsesTest, WhatIsNotStoredIsNotFound) {
  auto server = serve("ok", {}, make_store());
  const auto response = server->post("/v1/responses", R"({"input": "Hi", "store": false})");
  const std::string id = JsonText(response.body).text("/id");
  EXPECT_EQ(server->get("/v1/responses/" + id).status, 404);
  EXPECT_EQ(
      server->post("/v1/responses", R"({"input": "Hi", "previous_response_id": "resp_0"})").status,
      404
  );
}

TEST(ResponsesTest, OnlyARunningResponseCanBeCancelled) {
  const auto store = make_store();
  auto server = serve("ok", {}, store);
  const auto ended = server->post("/v1/responses", R"({"input": "Hi"})");
  const std::string id = JsonText(ended.body).text("/id");
  EXPECT_EQ(server->post("/v1/responses/" + id + "/cancel", "").status, 400);
  EXPECT_EQ(server->post("/v1/responses/resp_0/cancel", "").status, 404);
}

TEST(ResponsesTest, AClientThatGoesAwayCancelsItsResponse) {
  const auto store = make_store();
  auto server = serve("ok", {}, store);
  std::string id;
  {
    Reply reply = server->call("POST", "/v1/responses", R"({"input": "Hi", "stream": true})");
    auto& generation = std::get<Generation>(reply);
    std::string events;
    generation.answer->add(0, *generation.streams[0]->next(), events);
    const size_t at = events.find("resp_");
    id = events.substr(at, events.find('"', at) - at);
    EXPECT_EQ(JsonText(server->get("/v1/responses/" + id).body).text("/status"), "in_progress");
    const auto cancelled = server->post("/v1/responses/" + id + "/cancel", "");
    EXPECT_EQ(JsonText(cancelled.body).text("/status"), "cancelled");
    const auto early = R"({"input": "Why?", "previous_response_id": ")" + id + "\"}";
    EXPECT_EQ(server->post("/v1/responses", early).status, 400) << "it has not ended";
  }
  EXPECT_EQ(JsonText(server->get("/v1/responses/" + id).body).text("/status"), "cancelled");
}

}  // namespace
}  // namespace quire::server
