// What the load generator makes of servers that are right, and of those that are not.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bench/serve/load_generator.h"
#include "quire/error.h"
#include "support/scripted_server.h"

namespace quire::bench {
namespace {

using test::chunk;
using test::completion_stream;
using test::http_response;
using test::ScriptedRequest;
using test::ScriptedResponse;
using test::ScriptedServer;
using test::sse_response;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr int kNumTokens = 5;
constexpr const char* kToken = R"({"choices":[{"index":0,"text":"a","finish_reason":null}]})";
constexpr const char* kLastToken =
    R"({"choices":[{"index":0,"text":"b","finish_reason":"length"}]})";

std::vector<PlannedCall> calls_to(const ScriptedServer& server, size_t number) {
  ServeTarget target;
  target.base_url = client::parse_url("url", server.url());
  PlannedCall call;
  call.bytes = http_post(target, "/v1/completions", {}, "{}");
  call.num_prompt_tokens = 3;
  call.num_output_tokens = kNumTokens;
  return std::vector<PlannedCall>(number, call);
}

LoadOptions options() {
  return {.streams = true, .checks_length = true, .keeps_text = true, .timeout = 30.0};
}

LoadResult run(const ScriptedServer& server, const LoadOptions& options, size_t number = 1) {
  return run_load(client::parse_url("url", server.url()), calls_to(server, number), options);
}

// How a server that answers with these bytes is judged.
std::string error_of(const std::string& bytes, const LoadOptions& load = options()) {
  ScriptedServer server([&](const ScriptedRequest&) { return ScriptedResponse{bytes, true}; });
  const LoadResult result = run(server, load);
  EXPECT_EQ(result.records[0].is_ok, result.records[0].error.empty());
  return result.records[0].error;
}

TEST(ServeLoadTest, CountsTokensAndEventsOfEveryStream) {
  ScriptedServer server([](const ScriptedRequest&) {
    return ScriptedResponse{completion_stream(7, kNumTokens)};
  });
  LoadOptions load = options();
  load.max_concurrency = 4;
  const LoadResult result = run(server, load, 40);
  ASSERT_THAT(result.records, SizeIs(40));
  for (const CallRecord& record : result.records) {
    EXPECT_TRUE(record.is_ok) << record.error;
    EXPECT_EQ(record.num_prompt_tokens, 7);
    EXPECT_EQ(record.num_output_tokens, kNumTokens);
    EXPECT_EQ(record.num_events, kNumTokens + 2);
    EXPECT_THAT(record.itls, SizeIs(kNumTokens - 1));
    EXPECT_EQ(record.text, "t0 t1 t2 t3 t4 ");
    EXPECT_GT(record.ttft(), 0.0);
    EXPECT_GE(record.latency(), record.ttft());
  }
  EXPECT_EQ(result.num_events, 40 * (kNumTokens + 2));
  EXPECT_LE(server.num_connections(), 4) << "as many as run at once";
}

TEST(ServeLoadTest, ABrokenServerNeverCounts) {
  const std::string usage = R"({"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}})";
  const std::pair<std::string, const char*> cases[] = {
      {http_response(500, R"({"error":{"message":"no room"}})"), "status 500: no room"},
      {http_response(200, R"({"choices":[]})"), "no event stream"},
      {sse_response({kToken, kLastToken}), "[DONE]"},
      {sse_response({kToken, "[DONE]"}), "finish_reason"},
      {sse_response({"[DONE]"}), "no choice"},
      {sse_response({kLastToken, "[DONE]", kToken}), "follows [DONE]"},
      {sse_response({kToken, R"({"error":{"message":"engine died"}})", "[DONE]"}), "engine died"},
      {sse_response({"{broken", "[DONE]"}), "no completion: {broken"},
      {sse_response({kToken, kLastToken, usage, "[DONE]"}), "4 tokens came, not 5"},
      {completion_stream(3, kNumTokens + 1), "6 tokens came, not 5"},
      {completion_stream(3, kNumTokens).substr(0, 400), "closed the connection"},
      {"", "closed the connection"},
  };
  for (const auto& [bytes, message] : cases)
    EXPECT_THAT(error_of(bytes), HasSubstr(message)) << bytes;
  EXPECT_EQ(error_of(completion_stream(3, kNumTokens)), "");
}

TEST(ServeLoadTest, AnAnswerMayEndEarlyUnlessTheEndOfTextIsIgnored) {
  LoadOptions load = options();
  load.checks_length = false;
  EXPECT_EQ(error_of(completion_stream(3, 2), load), "");
  EXPECT_THAT(error_of(completion_stream(3, 2)), HasSubstr("2 tokens came"));
}

TEST(ServeLoadTest, TheRoleOfAChatIsNoToken) {
  const char* role = R"({"choices":[{"delta":{"role":"assistant","content":""}}]})";
  const char* text = R"({"choices":[{"delta":{"content":"a"}}]})";
  const char* end = R"({"choices":[{"delta":{},"finish_reason":"stop"}]})";
  ScriptedServer server([&](const ScriptedRequest&) {
    return ScriptedResponse{sse_response({role, text, end, "[DONE]"})};
  });
  const LoadResult result = run(server, options());
  EXPECT_EQ(result.records[0].error, "");
  EXPECT_THAT(result.records[0].itls, SizeIs(1)) << "text and end";
  EXPECT_EQ(result.records[0].num_events, 4);
}

TEST(ServeLoadTest, ReadsWholeAnswers) {
  LoadOptions load = options();
  load.streams = false;
  const char* answer = R"({"choices":[{"text":"all","finish_reason":"length"}],)"
                       R"("usage":{"prompt_tokens":2,"completion_tokens":5}})";
  EXPECT_EQ(error_of(http_response(200, answer), load), "");
  EXPECT_THAT(error_of(http_response(200, "{}"), load), HasSubstr("no completion"));
  EXPECT_THAT(error_of(completion_stream(3, 5), load), HasSubstr("is a stream"));
}

TEST(ServeLoadTest, CallsAreSentWhenTheyAreDue) {
  ScriptedServer server([](const ScriptedRequest&) {
    return ScriptedResponse{completion_stream(3, kNumTokens)};
  });
  std::vector<PlannedCall> calls = calls_to(server, 3);
  calls[1].at = 0.05;
  calls[2].at = 0.10;
  const LoadResult result = run_load(client::parse_url("url", server.url()), calls, options());
  for (size_t i = 0; i < calls.size(); ++i) {
    EXPECT_TRUE(result.records[i].is_ok);
    EXPECT_GE(result.records[i].start - result.start, calls[i].at) << "never early";
  }
}

TEST(ServeLoadTest, ASilentServerIsGivenUp) {
  ScriptedServer server([](const ScriptedRequest&) { return ScriptedResponse{""}; });
  LoadOptions load = options();
  load.timeout = 0.3;
  EXPECT_THROW(run(server, load), EnvironmentError);
}

}  // namespace
}  // namespace quire::bench
