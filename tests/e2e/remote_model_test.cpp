// quire chat --url and quire complete, against a server of the test's own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "e2e/quire_program.h"
#include "support/json_reader.h"
#include "support/scripted_server.h"

namespace quire {
namespace {

using test::expect_error;
using test::http_response;
using test::model;
using test::ProcessResult;
using test::quire_program;
using test::ScriptedRequest;
using test::ScriptedResponse;
using test::ScriptedServer;
using ::testing::HasSubstr;
using ::testing::SizeIs;

ScriptedResponse answer(const ScriptedRequest& request) {
  if (request.target == "/v1/models") return {http_response(200, R"({"data":[{"id":"m1"}]})")};
  if (request.target == "/v1/completions") return {test::completion_stream(3, 2)};
  return {test::sse_response(
      {R"({"choices":[{"delta":{"role":"assistant","content":""}}]})",
       R"({"choices":[{"delta":{"content":"Hello "}}]})",
       R"({"choices":[{"delta":{"content":"you"},"finish_reason":"stop"}]})",
       "[DONE]"}
  )};
}

simdjson::dom::element body_of(simdjson::dom::parser& parser, const ScriptedRequest& request) {
  return parser.parse(request.body);
}

TEST(RemoteModelTest, AConversationIsRemembered) {
  ScriptedServer server(answer);
  const ProcessResult result = quire_program(
      {"chat",
       "--url",
       server.url() + "/v1",
       "--api-key",
       "sk-1",
       "--system-prompt",
       "Be brief.",
       "--temperature=0.5",
       "--max-tokens=7"},
      "one\n\ntwo\n"
  );
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, "Hello you\nHello you\n");
  const auto requests = server.requests();
  ASSERT_THAT(requests, SizeIs(3));
  EXPECT_THAT(requests[1].head, HasSubstr("Authorization: Bearer sk-1"));
  simdjson::dom::parser parser;
  const auto body = body_of(parser, requests[2]);
  EXPECT_EQ(test::read_json<std::string>(body["model"]), "m1");
  EXPECT_DOUBLE_EQ(test::read_json<double>(body["temperature"]), 0.5);
  EXPECT_EQ(test::read_json<int>(body["max_tokens"]), 7);
  EXPECT_EQ(simdjson::dom::array(body["messages"]).size(), 4U);
  EXPECT_EQ(test::read_json<std::string>(body["messages"].at(0)["content"]), "Be brief.");
  EXPECT_EQ(test::read_json<std::string>(body["messages"].at(2)["content"]), "Hello you");
}

TEST(RemoteModelTest, OneQuestion) {
  ScriptedServer server(answer);
  const ProcessResult result = quire_program(
      {"chat", "--url", server.url() + "/v1", "--model-name", "other", "--quick", "hi"}
  );
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, "Hello you\n");
  ASSERT_THAT(server.requests(), SizeIs(1)) << "the name is known";
  EXPECT_THAT(server.requests()[0].body, HasSubstr(R"("model": "other")"));
}

TEST(RemoteModelTest, CompletesAPromptALine) {
  ScriptedServer server(answer);
  const ProcessResult result =
      quire_program({"complete", "--url", server.url() + "/v1"}, "Once\nTwice\n");
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, "t0 t1 \nt0 t1 \n");
  EXPECT_THAT(server.requests().back().body, HasSubstr(R"("prompt": "Twice")"));
  const ProcessResult quick =
      quire_program({"complete", "--url", server.url() + "/v1", "-q", "Once"});
  EXPECT_EQ(quick.out, "t0 t1 \n");
}

TEST(RemoteModelTest, WhatTheServerRefusesIsShown) {
  ScriptedServer server([](const ScriptedRequest&) {
    return ScriptedResponse{http_response(401, R"({"error":"Unauthorized"})")};
  });
  expect_error(
      quire_program({"complete", "--url", server.url() + "/v1", "-q", "x"}), "", "Unauthorized"
  );
  expect_error(
      quire_program({"chat", "--url", server.url() + "/v1", "--model-name=m", "-q", "x"}),
      "",
      "Unauthorized"
  );
}

TEST(RemoteModelTest, AnErrorWithinAStreamIsShown) {
  ScriptedServer server([](const ScriptedRequest&) {
    return ScriptedResponse{test::sse_response(
        {R"({"choices":[{"text":"begun"}]})", R"({"error":{"message":"engine died"}})", "[DONE]"}
    )};
  });
  const ProcessResult result =
      quire_program({"complete", "--url", server.url(), "--model-name=m", "-q", "x"});
  expect_error(result, "", "engine died");
  EXPECT_THAT(result.out, HasSubstr("begun"));
}

TEST(RemoteModelTest, RefusesWhatBelongsToALocalModel) {
  const std::vector<std::string> chat = {"chat", "--url", "http://127.0.0.1:1/v1"};
  const std::tuple<std::vector<std::string>, const char*, const char*> cases[] = {
      {{"--model", model()}, "model", "--model-name"},
      {{"--max-model-len", "64"}, "max_model_len", "--url"},
      {{"--n", "2"}, "n", "one text"},
      {{"--stats"}, "--stats", "/metrics"},
  };
  for (const auto& [words, field, text] : cases) {
    auto command = chat;
    command.insert(command.end(), words.begin(), words.end());
    expect_error(quire_program(command), field, text);
  }
  expect_error(quire_program({"chat", "--url", "localhost"}), "--url", "http://HOST:PORT");
  expect_error(quire_program({"chat", "--model-name", "m"}), "model-name", "--url");
}

}  // namespace
}  // namespace quire
