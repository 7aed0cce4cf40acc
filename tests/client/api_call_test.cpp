#include "client/api_call.h"

#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "quire/error.h"
#include "support/scripted_server.h"

namespace quire::client {
namespace {

using test::http_response;
using test::ScriptedRequest;
using test::ScriptedResponse;
using test::ScriptedServer;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(ApiCallTest, HandsOutTheEventsOfAStream) {
  ScriptedServer server([](const ScriptedRequest&) {
    return ScriptedResponse{test::sse_response({"one", "two", "[DONE]"})};
  });
  ApiCaller caller(server.url() + "/v1", "sk-1");
  std::vector<std::string> events;
  const ApiResponse response = caller.post("/x", "{}", [&](const SseEvent& event) {
    events.emplace_back(event.data);
    return true;
  });
  EXPECT_TRUE(response.is_event_stream);
  EXPECT_EQ(response.status, 200);
  EXPECT_THAT(events, ElementsAre("one", "two", "[DONE]"));
  const ScriptedRequest request = server.requests().front();
  EXPECT_EQ(request.target, "/v1/x");
  EXPECT_EQ(request.body, "{}");
  EXPECT_THAT(request.head, HasSubstr("Authorization: Bearer sk-1\r\n"));
}

TEST(ApiCallTest, AStreamCanBeLeft) {
  ScriptedServer server([](const ScriptedRequest&) {
    return ScriptedResponse{test::sse_response({"one", "two", "[DONE]"})};
  });
  ApiCaller caller(server.url(), std::nullopt);
  int num_events = 0;
  caller.post("/x", "{}", [&](const SseEvent&) { return ++num_events < 2; });
  EXPECT_EQ(num_events, 2);
}

TEST(ApiCallTest, TellsWhatAnErrorSays) {
  ScriptedServer server([](const ScriptedRequest& request) {
    return ScriptedResponse{
        request.target == "/a" ? http_response(404, R"({"error":{"message":"no such model"}})")
                               : http_response(502, "bad gateway", "text/plain")};
  });
  ApiCaller caller(server.url(), std::nullopt);
  EXPECT_EQ(error_message(caller.get("/a")), "no such model");
  EXPECT_EQ(error_message(caller.get("/b")), "status 502: bad gateway");
}

TEST(ApiCallTest, AServerThatBreaksOffIsAnError) {
  ScriptedServer server([](const ScriptedRequest&) {
    return ScriptedResponse{"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", true};
  });
  ApiCaller caller(server.url(), std::nullopt);
  EXPECT_THROW(caller.get("/x"), EnvironmentError);
}

}  // namespace
}  // namespace quire::client
