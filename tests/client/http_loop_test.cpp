#include "client/http_loop.h"

#include <chrono>
#include <deque>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/clock.h"
#include "quire/error.h"
#include "support/scripted_server.h"

namespace quire::client {
namespace {

using test::http_response;
using test::ScriptedRequest;
using test::ScriptedResponse;
using test::ScriptedServer;
using ::testing::HasSubstr;

struct Recorder : Exchange {
  void on_body(const HttpResponseParser&, std::string_view piece, double) override {
    body += piece;
    if (on_piece) on_piece();
  }
  void on_end(const HttpResponseParser& response, const std::string& why, double) override {
    has_ended = true;
    status = response.status();
    error = why;
    if (then) then();
  }
  std::string body;
  std::string error;
  int status = 0;
  bool has_ended = false;
  std::function<void()> on_piece;
  std::function<void()> then;
};

std::string request_of(const std::string& body) {
  return fmt::format(
      "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{}", body.size(), body
  );
}

void run(HttpLoop& loop) {
  const double limit = monotonic_time() + 20.0;
  while (loop.num_calls() > 0 && monotonic_time() < limit)
    loop.poll(0.1);
  ASSERT_EQ(loop.num_calls(), 0U) << "the calls did not end";
}

ScriptedResponse echo(const ScriptedRequest& request) {
  return {http_response(200, request.body)};
}

TEST(HttpLoopTest, ManyCallsGetTheirOwnAnswers) {
  ScriptedServer server(echo);
  HttpLoop loop(parse_url("url", server.url()));
  std::vector<std::string> requests;
  for (int i = 0; i < 50; ++i)
    requests.push_back(request_of(fmt::format("call {}", i)));
  std::deque<Recorder> recorders(requests.size());
  for (size_t i = 0; i < requests.size(); ++i)
    loop.start(requests[i], recorders[i]);
  run(loop);
  for (size_t i = 0; i < requests.size(); ++i) {
    EXPECT_EQ(recorders[i].body, fmt::format("call {}", i));
    EXPECT_EQ(recorders[i].status, 200);
    EXPECT_EQ(recorders[i].error, "");
  }
}

TEST(HttpLoopTest, AConnectionIsUsedAgain) {
  ScriptedServer server(echo);
  HttpLoop loop(parse_url("url", server.url()));
  const std::string request = request_of("again");
  Recorder recorder;
  int num_left = 20;
  recorder.then = [&] {
    if (--num_left > 0) loop.start(request, recorder);
  };
  loop.start(request, recorder);
  run(loop);
  EXPECT_EQ(num_left, 0);
  EXPECT_EQ(server.num_connections(), 1);
  EXPECT_EQ(server.requests().size(), 20U);
}

TEST(HttpLoopTest, ACallOnAConnectionThatWasJustClosedIsSentOnceMore) {
  ScriptedServer server([](const ScriptedRequest& request) {
    return ScriptedResponse{http_response(200, request.body), true};
  });
  HttpLoop loop(parse_url("url", server.url()));
  const std::string request = request_of("x");
  Recorder recorder;
  int num_left = 5;
  recorder.then = [&] {
    if (--num_left > 0) loop.start(request, recorder);
  };
  loop.start(request, recorder);
  run(loop);
  EXPECT_EQ(num_left, 0);
  EXPECT_EQ(recorder.error, "");
  EXPECT_EQ(server.num_connections(), 5);
}

TEST(HttpLoopTest, ABrokenAnswerIsAnError) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "closed the connection"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", "closed the connection"},
      {"nonsense\r\n\r\n", "status line"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nabc", "more bytes"},
  };
  for (const auto& [bytes, message] : cases) {
    ScriptedServer server([&](const ScriptedRequest&) { return ScriptedResponse{bytes, true}; });
    HttpLoop loop(parse_url("url", server.url()));
    const std::string request = request_of("x");
    Recorder recorder;
    loop.start(request, recorder);
    run(loop);
    EXPECT_THAT(recorder.error, HasSubstr(message)) << bytes;
    EXPECT_EQ(server.num_connections(), 1) << "a new connection is not tried again";
  }
}

TEST(HttpLoopTest, AnAbandonedCallHearsNothingMore) {
  ScriptedServer server([](const ScriptedRequest&) {
    return ScriptedResponse{test::completion_stream(1, 500)};
  });
  HttpLoop loop(parse_url("url", server.url()));
  const std::string request = request_of("x");
  Recorder abandoned;
  HttpLoop::CallId id = 0;
  Recorder next;
  abandoned.on_piece = [&] {
    loop.abandon(id);
    abandoned.body.clear();
    loop.start(request, next);  // from within the callback
  };
  id = loop.start(request, abandoned);
  run(loop);
  EXPECT_FALSE(abandoned.has_ended);
  EXPECT_EQ(abandoned.body, "");
  EXPECT_TRUE(next.has_ended);
  EXPECT_EQ(next.error, "");
  EXPECT_THAT(next.body, ::testing::EndsWith("data: [DONE]\n\n"));
}

TEST(HttpLoopTest, ACallThatIsNotReadGetsNothing) {
  ScriptedServer server(echo);
  HttpLoop loop(parse_url("url", server.url()));
  const std::string request = request_of("slow");
  Recorder recorder;
  const auto id = loop.start(request, recorder);
  loop.set_reading(id, false);
  const double start = monotonic_time();
  while (server.requests().empty() && monotonic_time() < start + 20.0)
    loop.poll(0.01);
  for (int i = 0; i < 5; ++i)
    loop.poll(0.01);
  EXPECT_FALSE(recorder.has_ended);
  loop.set_reading(id, true);
  run(loop);
  EXPECT_EQ(recorder.body, "slow");
}

TEST(HttpLoopTest, ACallAloneLeavesNoConnection) {
  ScriptedServer server(echo);
  HttpLoop loop(parse_url("url", server.url()));
  const std::string request = request_of("x");
  Recorder recorder;
  loop.start_alone(request, recorder, 4096);
  run(loop);
  EXPECT_EQ(recorder.body, "x");
  EXPECT_EQ(loop.num_connections(), 0U);
}

TEST(HttpLoopTest, NobodyListening) {
  std::string url;
  {
    ScriptedServer server(echo);
    url = server.url();
  }
  HttpLoop loop(parse_url("url", url));
  const std::string request = request_of("x");
  Recorder recorder;
  loop.start(request, recorder);
  run(loop);
  EXPECT_THAT(recorder.error, HasSubstr("cannot connect"));
}

TEST(HttpLoopTest, RefusesHttpsWithASentence) {
  EXPECT_THROW(HttpLoop(parse_url("url", "https://localhost")), InvalidArgument);
}

}  // namespace
}  // namespace quire::client
