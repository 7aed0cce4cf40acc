#include <memory>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "quire/tokenizer.h"
#include "server/openai/openai_server.h"
#include "server/requests/common_request.h"
#include "support/json_reader.h"
#include "support/test_paths.h"

namespace quire {
namespace {

using test::JsonText;
using test::OpenAiServer;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr const char* kPath = "/v1/chat/completions";
constexpr int32_t kEos = 2;
constexpr const char* kHello = R"({"messages": [{"role": "user", "content": "Hello"}])";
constexpr const char* kTools =
    R"(, "tools": [{"type": "function", "function": {"name": "add", "parameters": {)"
    R"("type": "object", "properties": {"a": {"type": "integer"}}}}}])";
constexpr const char* kCall =
    "<tool_call>\n{\"name\": \"add\", \"arguments\": {\"a\": 1}}\n</tool_call>";

// Says `text`, a token a step, and ends.
test::FakeModel speaking_model(const std::string& text) {
  const auto tokenizer = Tokenizer::from_dir(test::bundled_models_dir() / "small-chat");
  std::vector<int32_t> ids = tokenizer->encode(text, false);
  ids.push_back(kEos);
  const auto place = std::make_shared<size_t>(0);
  return [ids, place](std::span<const int32_t>) {
    TokenLogprobs candidates;
    for (int i = 0; i < 7; ++i) {
      candidates.token_ids.push_back(i == 0 ? ids[*place] : 100 + i);
      candidates.logprobs.push_back(-1.0f - static_cast<float>(i));
    }
    *place = (*place + 1) % ids.size();
    return candidates;
  };
}

OpenAiServer server_that_says(const std::string& text, ServerConfig config = {}) {
  return OpenAiServer(speaking_model(text), std::move(config), 512);
}

ServerConfig with_tools() {
  ServerConfig config;
  config.enable_auto_tool_choice = true;
  config.tool_call_parser = "hermes";
  return config;
}

ServerConfig with_reasoning() {
  ServerConfig config;
  config.reasoning_parser = "deepseek_r1";
  return config;
}

std::string hello(const std::string& fields = "") {
  return kHello + fields + "}";
}

TEST(Chat, AnswersInOpenAisShape) {
  OpenAiServer server = server_that_says("Hi there");
  const auto json = server.post_json(kPath, hello());
  EXPECT_EQ(json->text("/id"), "chatcmpl-0123");
  EXPECT_EQ(json->text("/object"), "chat.completion");
  EXPECT_EQ(json->text("/model"), "small-chat");
  EXPECT_EQ(
      json->show("/choices"),
      R"([{"index":0,"message":{"role":"assistant","content":"Hi there","refusal":null,)"
      R"("tool_calls":[],"reasoning":null,"reasoning_content":null},"logprobs":null,)"
      R"("finish_reason":"stop","stop_reason":null,"token_ids":null}])"
  );
  const auto prompt = server.engine().tokenizer()->encode(
      "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n", false
  );
  EXPECT_EQ(json->number("/usage/prompt_tokens"), static_cast<int64_t>(prompt.size()));
  EXPECT_EQ(
      json->number("/usage/total_tokens"),
      json->number("/usage/prompt_tokens") + json->number("/usage/completion_tokens")
  );
  for (const char* field : {"/service_tier", "/prompt_logprobs", "/kv_transfer_params"})
    EXPECT_EQ(json->show(field), "null");
}

TEST(Chat, StreamsARoleThenTheTextThenTheEnd) {
  OpenAiServer server = server_that_says("Hi there, how are you?");
  const auto events = server.stream(kPath, hello(R"(, "stream": true)"));
  EXPECT_EQ(
      JsonText(events.front()).show("/choices"),
      R"([{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,)"
      R"("finish_reason":null}])"
  );
  EXPECT_EQ(test::joined(events, "/choices/0/delta/content"), "Hi there, how are you?");
  int num_ends = 0;
  for (const std::string& event : events) {
    const JsonText json(event);
    EXPECT_EQ(json.text("/object"), "chat.completion.chunk");
    EXPECT_EQ(json.text("/id"), "chatcmpl-0123");
    num_ends += json.at("/choices/0/finish_reason").is_string();
  }
  EXPECT_EQ(num_ends, 1);
  EXPECT_EQ(JsonText(events.back()).text("/choices/0/finish_reason"), "stop");
}

TEST(Chat, TellsUsageAsStreamOptionsSay) {
  OpenAiServer server = server_that_says("one two three four");
  const auto events = server.stream(kPath, hello(R"(, "stream": true,
            "stream_options": {"include_usage": true, "continuous_usage_stats": true})"));
  EXPECT_EQ(JsonText(events.front()).number("/usage/completion_tokens"), 0);
  int64_t last = 0;
  for (size_t i = 1; i + 1 < events.size(); ++i) {
    const int64_t num_tokens = JsonText(events[i]).number("/usage/completion_tokens");
    EXPECT_GT(num_tokens, last);
    last = num_tokens;
  }
  EXPECT_EQ(JsonText(events.back()).show("/choices"), "[]");
  EXPECT_EQ(JsonText(events.back()).number("/usage/completion_tokens"), last);
  EXPECT_EQ(server.post_json(kPath, hello())->number("/usage/completion_tokens"), last)
      << "as without a stream";
}

TEST(Chat, GoesOnAsLongAsTheModelTakes) {
  OpenAiServer server(test::counting_model(100'000, kEos));
  const auto all = server.post_json(kPath, hello());
  EXPECT_EQ(all->number("/usage/total_tokens"), 128);
  EXPECT_EQ(all->text("/choices/0/finish_reason"), "length");
  for (const std::string field : {"max_tokens", "max_completion_tokens"}) {
    const auto some = server.post_json(kPath, hello(", \"" + field + "\": 3"));
    EXPECT_EQ(some->number("/usage/completion_tokens"), 3) << field;
  }
}

TEST(Chat, BoundsTheNumberOfMessagesAndTools) {
  OpenAiServer server = server_that_says("Hi there", with_tools());
  const auto list_of = [](size_t count, const std::string& entry) {
    std::string list = entry;
    for (size_t i = 1; i < count; ++i)
      list += "," + entry;
    return "[" + list + "]";
  };
  const std::string message = R"({"role": "user", "content": "a"})";
  const std::string tool = R"({"type": "function", "function": {"name": "f"}})";
  const std::string tools = "\"tools\": " + list_of(server::kMaxTools + 1, tool);
  for (const char* path : {kPath, "/tokenize"}) {
    const auto many =
        server.post(path, R"({"messages": )" + list_of(server::kMaxMessages + 1, message) + "}");
    EXPECT_EQ(many.status, 400);
    EXPECT_THAT(many.body, HasSubstr("messages has 10001 entries; at most 10000 are allowed."));
  }
  const auto too_many_tools = server.post(kPath, hello(", " + tools));
  EXPECT_EQ(too_many_tools.status, 400);
  EXPECT_THAT(too_many_tools.body, HasSubstr("tools has 1025 entries; at most 1024 are allowed."));
}

TEST(Chat, AnswersNTimes) {
  OpenAiServer server = server_that_says("Hi there");
  const std::string fields = R"(, "n": 3, "temperature": 1)";
  const auto json = server.post_json(kPath, hello(fields));
  ASSERT_EQ(json->size("/choices"), 3u);
  EXPECT_EQ(json->number("/choices/2/index"), 2);
  const auto events = server.stream(kPath, hello(fields + R"(, "stream": true)"));
  for (int index = 0; index < 3; ++index)
    EXPECT_EQ(test::joined(events, "/choices/0/delta/content", index), "Hi there");
}

TEST(Chat, ShowsLogprobsPerToken) {
  OpenAiServer server = server_that_says("Hi there");
  const auto none = server.post_json(kPath, hello(R"(, "logprobs": false)"));
  EXPECT_EQ(none->show("/choices/0/logprobs"), "null");
  const auto zero = server.post_json(kPath, hello(R"(, "logprobs": true)"));
  EXPECT_EQ(zero->show("/choices/0/logprobs/content/0/top_logprobs"), "[]");
  const auto five = server.post_json(kPath, hello(R"(, "logprobs": true, "top_logprobs": 5)"));
  EXPECT_EQ(five->size("/choices/0/logprobs/content/0/top_logprobs"), 5u);
  EXPECT_EQ(
      five->size("/choices/0/logprobs/content"),
      static_cast<size_t>(five->number("/usage/completion_tokens"))
  );
  const std::string token = five->text("/choices/0/logprobs/content/0/token");
  EXPECT_EQ(five->number("/choices/0/logprobs/content/0/bytes/0"), static_cast<int64_t>(token[0]));
  const auto too_many = server.post(kPath, hello(R"(, "logprobs": true, "top_logprobs": 21)"));
  EXPECT_EQ(too_many.status, 400);
}

TEST(Chat, StreamsTheSameLogprobs) {
  OpenAiServer server = server_that_says("Hi there, you");
  const std::string fields = R"(, "logprobs": true, "top_logprobs": 2)";
  const auto whole = server.post_json(kPath, hello(fields));
  std::string content;
  for (const std::string& event : server.stream(kPath, hello(fields + R"(, "stream": true)"))) {
    const JsonText json(event);
    if (!json.has("/choices/0/logprobs/content")) continue;
    for (const auto token : json.at("/choices/0/logprobs/content").get_array())
      content += (content.empty() ? "" : ",") + simdjson::minify(token);
  }
  EXPECT_EQ("[" + content + "]", whole->show("/choices/0/logprobs/content"));
}

TEST(Chat, CallsTools) {
  OpenAiServer server = server_that_says(kCall, with_tools());
  const auto json = server.post_json(kPath, hello(kTools));
  EXPECT_EQ(json->show("/choices/0/message/content"), "null");
  EXPECT_THAT(json->text("/choices/0/message/tool_calls/0/id"), StartsWith("chatcmpl-tool-"));
  EXPECT_EQ(json->text("/choices/0/message/tool_calls/0/type"), "function");
  EXPECT_EQ(json->text("/choices/0/message/tool_calls/0/function/name"), "add");
  EXPECT_EQ(
      JsonText(json->text("/choices/0/message/tool_calls/0/function/arguments")).show(),
      R"({"a":1})"
  );
  EXPECT_EQ(json->text("/choices/0/finish_reason"), "tool_calls");
}

TEST(Chat, StreamsToolCalls) {
  OpenAiServer server = server_that_says(kCall, with_tools());
  const auto events = server.stream(kPath, hello(std::string(kTools) + R"(, "stream": true)"));
  const std::string call = "/choices/0/delta/tool_calls/0";
  EXPECT_EQ(test::joined(events, call + "/function/name"), "add");
  EXPECT_EQ(JsonText(test::joined(events, call + "/function/arguments")).show(), R"({"a":1})");
  EXPECT_THAT(test::joined(events, call + "/id"), StartsWith("chatcmpl-tool-"));
  EXPECT_EQ(test::joined(events, "/choices/0/delta/content"), "");
  EXPECT_EQ(JsonText(events.back()).text("/choices/0/finish_reason"), "tool_calls");
}

TEST(Chat, ToolChoiceNoneLeavesCallsInTheText) {
  OpenAiServer server = server_that_says(kCall, with_tools());
  const auto json =
      server.post_json(kPath, hello(std::string(kTools) + R"(, "tool_choice": "none")"));
  EXPECT_THAT(json->text("/choices/0/message/content"), HasSubstr("add"));
  EXPECT_EQ(json->size("/choices/0/message/tool_calls"), 0u);
  EXPECT_EQ(json->text("/choices/0/finish_reason"), "stop");
}

TEST(Chat, KeepsOneCallWithoutParallelToolCalls) {
  OpenAiServer server = server_that_says(std::string(kCall) + "\n" + kCall, with_tools());
  const std::string one = std::string(kTools) + R"(, "parallel_tool_calls": false)";
  EXPECT_EQ(server.post_json(kPath, hello(kTools))->size("/choices/0/message/tool_calls"), 2u);
  EXPECT_EQ(server.post_json(kPath, hello(one))->size("/choices/0/message/tool_calls"), 1u);
  const auto events = server.stream(kPath, hello(one + R"(, "stream": true)"));
  EXPECT_EQ(test::joined(events, "/choices/0/delta/tool_calls/0/function/name"), "add");
}

TEST(Chat, AutoToolChoiceNeedsAParser) {
  OpenAiServer server = server_that_says("Hi");
  const auto response = server.post(kPath, hello(kTools));
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(
      JsonText(response.body).text("/error/message"),
      "\"auto\" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set"
  );
}

TEST(Chat, TellsReasoningFromContent) {
  OpenAiServer server = server_that_says("let me see</think>Four.", with_reasoning());
  const auto json = server.post_json(kPath, hello());
  EXPECT_EQ(json->text("/choices/0/message/reasoning"), "let me see");
  EXPECT_EQ(json->text("/choices/0/message/reasoning_content"), "let me see");
  EXPECT_EQ(json->text("/choices/0/message/content"), "Four.");
  const auto events = server.stream(kPath, hello(R"(, "stream": true)"));
  EXPECT_EQ(test::joined(events, "/choices/0/delta/reasoning"), "let me see");
  EXPECT_EQ(test::joined(events, "/choices/0/delta/content"), "Four.");
}

TEST(Chat, LeavesReasoningOutIfAskedTo) {
  OpenAiServer server = server_that_says("let me see</think>Four.", with_reasoning());
  const std::string fields = R"(, "include_reasoning": false)";
  const auto json = server.post_json(kPath, hello(fields));
  EXPECT_EQ(json->show("/choices/0/message/reasoning"), "null");
  EXPECT_EQ(json->text("/choices/0/message/content"), "Four.");
  const auto events = server.stream(kPath, hello(fields + R"(, "stream": true)"));
  EXPECT_EQ(test::joined(events, "/choices/0/delta/reasoning"), "");
  EXPECT_EQ(test::joined(events, "/choices/0/delta/content"), "Four.");
}

TEST(Chat, GoesOnWithTheLastMessage) {
  OpenAiServer server = server_that_says(" day");
  const std::string body =
      R"({"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Good"}],
          "add_generation_prompt": false, "continue_final_message": true, "echo": true)";
  EXPECT_EQ(server.post_json(kPath, body + "}")->text("/choices/0/message/content"), "Good day");
  const auto events = server.stream(kPath, body + R"(, "stream": true})");
  EXPECT_EQ(test::joined(events, "/choices/0/delta/content"), "Good day");
  const auto rendered = server.post_json("/v1/chat/completions/render", body + "}");
  EXPECT_EQ(
      server.engine().tokenizer()->decode(test::read_json_vector<int32_t>(rendered->at("/token_ids")
      )),
      "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nGood"
  );
}

TEST(Chat, RefusesTemplatesOfRequestsUnlessTheyAreTrusted) {
  const std::string fields = R"(, "chat_template": "{{ messages[0].content }}!")";
  OpenAiServer careful = server_that_says("Hi");
  EXPECT_EQ(
      JsonText(careful.post(kPath, hello(fields)).body).text("/error/message"),
      "Chat template is passed with request, but --trust-request-chat-template is not set. "
      "Refused request with untrusted chat template."
  );
  OpenAiServer trusting = server_that_says("Hi", {.trust_request_chat_template = true});
  const auto json = trusting.post_json(kPath, hello(fields + R"(, "return_token_ids": true)"));
  EXPECT_EQ(
      trusting.engine().tokenizer()->decode(
          test::read_json_vector<int32_t>(json->at("/prompt_token_ids"))
      ),
      "Hello!"
  );
}

TEST(Chat, RefusesHistoriesWithBrokenToolCalls) {
  OpenAiServer server = server_that_says("Hi");
  const auto response = server.post(
      kPath,
      R"({"messages": [{"role": "user", "content": "Hi"},
          {"role": "assistant", "content": null, "tool_calls": [
          {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}},
          {"id": "2", "type": "function", "function": {"name": "f", "arguments": "{x}"}}]}]})"
  );
  EXPECT_EQ(response.status, 400);
  const JsonText json(response.body);
  const std::string place = "messages[1].tool_calls[1].function.arguments";
  EXPECT_EQ(json.text("/error/param"), place);
  EXPECT_THAT(
      json.text("/error/message"), ::testing::StartsWith(place + " must be JSON text, got ")
  );
}

TEST(Chat, InvocationsAnswerAsTheEndpointDoes) {
  OpenAiServer server = server_that_says("Hi there");
  EXPECT_EQ(
      server.post_json("/invocations", hello())->show("/choices"),
      server.post_json(kPath, hello())->show("/choices")
  );
}

TEST(Chat, ReturnsTokenIdsIfAskedTo) {
  OpenAiServer server = server_that_says("Hi there");
  const std::string fields = R"(, "return_token_ids": true)";
  const auto whole = server.post_json(kPath, hello(fields));
  const auto events = server.stream(kPath, hello(fields + R"(, "stream": true)"));
  EXPECT_EQ(JsonText(events.front()).show("/prompt_token_ids"), whole->show("/prompt_token_ids"));
  std::vector<int32_t> ids;
  for (size_t i = 1; i < events.size(); ++i) {
    for (const int32_t id :
         test::read_json_vector<int32_t>(JsonText(events[i]).at("/choices/0/token_ids")))
      ids.push_back(id);
  }
  EXPECT_EQ(ids, test::read_json_vector<int32_t>(whole->at("/choices/0/token_ids")));
}

}  // namespace
}  // namespace quire
