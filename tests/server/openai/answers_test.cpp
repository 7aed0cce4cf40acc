#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/openai/chat_answer.h"
#include "server/openai/completion_answer.h"
#include "server/openai/openai_server.h"

namespace quire::server {
namespace {

using test::JsonText;
using ::testing::HasSubstr;

RequestOutput output_of(
    const std::string& text, std::optional<FinishReason> reason = std::nullopt
) {
  RequestOutput output;
  output.prompt_token_ids = {5};
  output.outputs.push_back({.text = text, .token_ids = {6}, .finish_reason = reason});
  output.finished = reason.has_value();
  return output;
}

RequestOutput failure_of_engine() {
  RequestOutput output = output_of("", FinishReason::kError);
  output.error = "no memory";
  return output;
}

CompletionShape completion_shape() {
  CompletionShape shape;
  shape.head = {.id = "cmpl-1", .created = 7, .model = "m", .system_fingerprint = "fp"};
  return shape;
}

ChatShape chat_shape() {
  ChatShape shape;
  shape.head = {.id = "chatcmpl-1", .created = 7, .model = "m", .system_fingerprint = "fp"};
  shape.role = "assistant";
  return shape;
}

TEST(CompletionStream, WritesThePlainEvent) {
  const auto stream = make_completion_stream(completion_shape());
  std::string events;
  stream->add(0, output_of("a \"b\"\n"), events);
  EXPECT_EQ(
      events,
      R"(data: {"id":"cmpl-1","object":"text_completion","created":7,"model":"m",)"
      R"("system_fingerprint":"fp","choices":[{"index":0,"text":"a \"b\"\n","logprobs":null,)"
      R"("finish_reason":null,"stop_reason":null,"prompt_token_ids":null,"token_ids":null}]})"
      "\n\n"
  );
}

TEST(ChatStream, WritesThePlainEvent) {
  const auto stream = make_chat_stream(chat_shape());
  std::string events;
  stream->add(0, output_of("a"), events);
  events.clear();
  stream->add(0, output_of("ä\x01"), events);
  EXPECT_EQ(
      events,
      R"(data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":7,"model":"m",)"
      R"("system_fingerprint":"fp","choices":[{"index":0,"delta":{"content":"ä\u0001"},)"
      R"("logprobs":null,"finish_reason":null,"token_ids":null}]})"
      "\n\n"
  );
}

// The general writer and the fast one must not drift apart.
TEST(ChatStream, WritesTheSameEventEitherWay) {
  ChatShape general = chat_shape();
  general.has_logprobs = true;
  const auto fast = make_chat_stream(chat_shape());
  const auto slow = make_chat_stream(std::move(general));
  std::string fast_events;
  std::string slow_events;
  for (const char* text : {"a", "", "b\\"}) {
    fast->add(0, output_of(text), fast_events);
    slow->add(0, output_of(text), slow_events);
  }
  EXPECT_EQ(fast_events, slow_events);
}

TEST(CompletionStream, WritesTheSameEventEitherWay) {
  CompletionShape general = completion_shape();
  general.has_usage = general.has_continuous_usage = true;
  const auto fast = make_completion_stream(completion_shape());
  const auto slow = make_completion_stream(std::move(general));
  std::string fast_events;
  std::string slow_events;
  fast->add(0, output_of("a"), fast_events);
  slow->add(0, output_of("a"), slow_events);
  const size_t usage = slow_events.find(",\"usage\":");
  ASSERT_NE(usage, std::string::npos);
  slow_events.replace(usage, slow_events.find("}\n\n") - usage, "");
  slow_events.erase(slow_events.rfind("}\n\n"), 1);
  fast_events.erase(fast_events.rfind("}\n\n"), 1);
  EXPECT_EQ(fast_events, slow_events);
}

TEST(Streams, TellAFailureOnceAndEnd) {
  for (const auto& stream :
       {std::shared_ptr<Answer>(make_completion_stream(completion_shape())),
        std::shared_ptr<Answer>(make_chat_stream(chat_shape()))}) {
    std::string events;
    stream->add(0, output_of("a"), events);
    events.clear();
    stream->add(0, failure_of_engine(), events);
    stream->add(0, failure_of_engine(), events);
    stream->finish(events);
    EXPECT_EQ(
        JsonText(events.substr(6, events.find("\n\n") - 6)).show(),
        R"({"error":{"message":"no memory","type":"InternalServerError","param":null,"code":500}})"
    );
    EXPECT_EQ(events.substr(events.find("\n\n")), "\n\ndata: [DONE]\n\n");
  }
}

TEST(Answers, AreErrorsWhenTheEngineFailed) {
  for (const auto& answer :
       {std::shared_ptr<Answer>(make_completion_answer(completion_shape())),
        std::shared_ptr<Answer>(make_chat_answer(chat_shape()))}) {
    std::string events;
    answer->add(0, failure_of_engine(), events);
    const HttpResponse response = answer->finish(events);
    EXPECT_EQ(response.status, 500);
    EXPECT_THAT(response.body, HasSubstr("no memory"));
    EXPECT_EQ(events, "");
  }
}

TEST(Answers, OfAbortedRequestsSaySo) {
  const auto answer = make_chat_answer(chat_shape());
  std::string events;
  answer->add(0, output_of("half", FinishReason::kAbort), events);
  const HttpResponse response = answer->finish(events);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(JsonText(response.body).text("/choices/0/finish_reason"), "abort");
}

TEST(ChatAnswer, StaysLengthWhenACallWasCutOff) {
  EXPECT_STREQ(chat_finish_reason(FinishReason::kLength, true), "length");
  EXPECT_STREQ(chat_finish_reason(FinishReason::kStop, true), "tool_calls");
  EXPECT_STREQ(chat_finish_reason(FinishReason::kStop, false), "stop");
}

TEST(ChatStream, KeepsLogprobsOfTextThatTheParserHoldsBack) {
  ChatShape shape = chat_shape();
  shape.format.tool_call_parser = "hermes";
  shape.has_logprobs = true;
  const auto stream = make_chat_stream(std::move(shape));
  std::string events;
  const auto with_logprob = [](RequestOutput output) {
    output.outputs[0].logprobs = {{{6, {.logprob = -1.0f, .rank = 1, .decoded_token = "x"}}}};
    return output;
  };
  stream->add(0, with_logprob(output_of("<tool")), events);
  events.clear();
  stream->add(0, with_logprob(output_of(" bar", FinishReason::kStop)), events);
  const JsonText json(events.substr(6, events.find("\n\n") - 6));
  EXPECT_EQ(json.text("/choices/0/delta/content"), "<tool bar");
  EXPECT_EQ(json.size("/choices/0/logprobs/content"), 2u);
}

}  // namespace
}  // namespace quire::server
