#include <future>
#include <semaphore>
#include <thread>

#include "server/blocking_calls.h"
#include "server/http_server_fixture.h"

namespace quire::server {
namespace {

using namespace std::chrono_literals;
using test::body_of;
using test::header_of;
using test::make_request;
using test::RawClient;
using test::status_of;

class HttpRequestsTest : public test::HttpServerTest {};

TEST_F(HttpRequestsTest, KeepsTheConnectionBetweenRequests) {
  serve();
  RawClient client = connect();
  for (int i = 0; i < 3; ++i) {
    client.send(make_request("GET", "/v1/models"));
    const std::string response = client.read_response();
    EXPECT_EQ(status_of(response), 200) << response;
    EXPECT_EQ(body_of(response), R"({"object":"list"})");
    EXPECT_EQ(header_of(response, "connection"), "");
    EXPECT_FALSE(header_of(response, "date").empty());
  }
}

TEST_F(HttpRequestsTest, AnswersPipelinedRequestsInOrder) {
  serve();
  RawClient client = connect();
  std::string requests;
  for (int i = 0; i < 50; ++i)
    requests += make_request("POST", "/echo", "{\"i\":" + std::to_string(i) + "}");
  client.send(requests);
  for (int i = 0; i < 50; ++i)
    EXPECT_EQ(body_of(client.read_response()), "{\"i\":" + std::to_string(i) + "}");
}

TEST_F(HttpRequestsTest, ReadsARequestThatComesByteByByte) {
  serve();
  RawClient client = connect();
  for (const char byte : make_request("POST", "/echo", R"({"slow":true})")) {
    client.send({&byte, 1});
    std::this_thread::sleep_for(100us);
  }
  EXPECT_EQ(body_of(client.read_response()), R"({"slow":true})");
}

TEST_F(HttpRequestsTest, ReadsAChunkedBody) {
  serve();
  const std::string response =
      ask("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
          "Transfer-Encoding: chunked\r\n\r\n5\r\n[1,2,\r\n2;name=value\r\n3]\r\n0\r\nTrailer: "
          "x\r\n\r\n");
  EXPECT_EQ(body_of(response), "[1,2,3]");
}

TEST_F(HttpRequestsTest, AnswersALargeBodyOnAWorker) {
  serve();
  const std::string body = "\"" + std::string(3 << 20, 'x') + "\"";
  EXPECT_EQ(body_of(ask(make_request("POST", "/echo", body))), body);
}

TEST_F(HttpRequestsTest, IsNotHeldUpByCallsThatWait) {
  std::counting_semaphore<> started(0);
  std::promise<void> end;
  const std::shared_future<void> has_ended = end.get_future().share();
  const auto wait = [&started, has_ended](const HttpRequest&, const CallContext&) -> Reply {
    started.release();
    has_ended.wait();
    return HttpResponse{};
  };
  more_routes_.push_back({"GET", "/wait", wait, /*may_block=*/true});
  serve();
  std::vector<RawClient> waiting;
  for (size_t i = 0; i < BlockingCalls::kMaxCalls; ++i) {
    waiting.push_back(connect());
    waiting.back().send(make_request("GET", "/wait"));
    EXPECT_TRUE(started.try_acquire_for(5s)) << i;
  }
  const std::string large = "\"" + std::string(1 << 20, 'x') + "\"";
  EXPECT_EQ(body_of(ask(make_request("POST", "/echo", large))), large);
  EXPECT_EQ(status_of(ask(make_request("GET", "/wait"))), 503) << "one too many";
  end.set_value();
  for (RawClient& client : waiting)
    EXPECT_EQ(status_of(client.read_response()), 200);
  EXPECT_EQ(status_of(ask(make_request("GET", "/wait"))), 200) << "threads are free again";
}

TEST_F(HttpRequestsTest, AnswersHeadWithoutTheBody) {
  serve();
  RawClient client = connect();
  client.send(make_request("HEAD", "/v1/models") + make_request("GET", "/v1/models"));
  const std::string head = client.read_until("\r\n\r\n");
  EXPECT_EQ(header_of(head, "content-length"), "17");
  EXPECT_TRUE(client.read_until("\r\n\r\n").starts_with("HTTP/1.1 200")) << "right after the head";
}

TEST_F(HttpRequestsTest, TellsUnknownPathsAndMethods) {
  serve();
  const std::string no_path = ask(make_request("GET", "/v1/nothing"));
  EXPECT_EQ(status_of(no_path), 404);
  EXPECT_NE(body_of(no_path).find(R"("code": 404)"), std::string::npos) << no_path;
  const std::string no_method = ask(make_request("PUT", "/echo"));
  EXPECT_EQ(status_of(no_method), 405);
  EXPECT_EQ(header_of(no_method, "allow"), "OPTIONS, POST");
  EXPECT_NE(body_of(no_method).find(R"("type": "Method Not Allowed")"), std::string::npos);
}

TEST_F(HttpRequestsTest, SpeaksHttp10) {
  serve();
  RawClient closing = connect();
  closing.send("GET /v1/models HTTP/1.0\r\n\r\n");
  EXPECT_EQ(header_of(closing.read_response(), "connection"), "close");
  EXPECT_TRUE(closing.is_closed_within(1s));
  RawClient keeping = connect();
  for (int i = 0; i < 2; ++i) {
    keeping.send("GET /v1/models HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_EQ(header_of(keeping.read_response(), "connection"), "keep-alive");
  }
}

TEST_F(HttpRequestsTest, ClosesWhenAsked) {
  serve();
  RawClient client = connect();
  client.send(make_request("GET", "/v1/models", "", "Connection: close\r\n"));
  EXPECT_EQ(header_of(client.read_response(), "connection"), "close");
  EXPECT_TRUE(client.is_closed_within(1s));
}

TEST_F(HttpRequestsTest, AsksForABodyThatWaits) {
  serve();
  RawClient client = connect();
  client.send(
      "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
      "Content-Length: 2\r\nExpect: 100-continue\r\n\r\n"
  );
  EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("{}");
  EXPECT_EQ(body_of(client.read_response()), "{}");
}

TEST_F(HttpRequestsTest, RefusesBeforeItAsksForABody) {
  config_.api_key = {"secret"};
  serve();
  RawClient client = connect();
  client.send(
      "POST /v1/models HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
  );
  EXPECT_EQ(status_of(client.read_response()), 401);
  EXPECT_TRUE(client.is_closed_within(1s)) << "the body would be read as a request";
}

TEST_F(HttpRequestsTest, RefusesBodiesThatAreNotJson) {
  serve();
  const std::string response = ask(
      "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}"
  );
  EXPECT_EQ(status_of(response), 400);
  EXPECT_NE(
      body_of(response).find("Unsupported Media Type: Only 'application/json' is allowed"),
      std::string::npos
  );
}

TEST_F(HttpRequestsTest, RefusesTooLargeABody) {
  config_.max_body_size = 100;
  serve();
  const std::string body(101, ' ');
  RawClient client = connect();
  client.send(make_request("POST", "/echo", body));
  EXPECT_EQ(status_of(client.read_response()), 413);
  EXPECT_TRUE(client.is_closed_within(3s));
  EXPECT_EQ(status_of(ask(make_request("POST", "/echo", body.substr(1)))), 200);
  EXPECT_EQ(
      status_of(
          ask("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
              "Transfer-Encoding: chunked\r\n\r\n65\r\n" +
              body + "\r\n0\r\n\r\n")
      ),
      413
  ) << "a chunked body says its size too late";
}

TEST_F(HttpRequestsTest, DeliversTheRefusalOfABodyThatIsStillSent) {
  config_.max_body_size = 1000;
  serve();
  RawClient client = connect();
  std::string request = make_request("POST", "/echo", std::string(8 << 20, ' '));
  std::thread sender([&] {
    try {
      client.send(request);
    } catch (const std::runtime_error&) {  // the server is free to close
    }
  });
  EXPECT_EQ(status_of(client.read_response()), 413);
  sender.join();
}

TEST_F(HttpRequestsTest, RefusesTooLargeAHead) {
  config_.h11_max_incomplete_event_size = 2048;
  config_.h11_max_header_count = 10;
  serve();
  const std::string large = "X-Large: " + std::string(3000, 'x') + "\r\n";
  EXPECT_EQ(status_of(ask(make_request("GET", "/v1/models", "", large))), 431);
  std::string many;
  for (int i = 0; i < 10; ++i)
    many += "X-Header: " + std::to_string(i) + "\r\n";
  EXPECT_EQ(status_of(ask(make_request("GET", "/v1/models", "", many))), 431);
  EXPECT_EQ(status_of(ask(make_request("GET", "/v1/models", "", "X-Header: 1\r\n"))), 200);
}

TEST_F(HttpRequestsTest, LivesOnAfterAHandlerThrows) {
  more_routes_.push_back({"GET", "/broken", [](const HttpRequest&, const CallContext&) -> Reply {
                            throw std::runtime_error("This handler is broken.");
                          }});
  serve();
  RawClient client = connect();
  client.send(make_request("GET", "/broken"));
  const std::string response = client.read_response();
  EXPECT_EQ(status_of(response), 500);
  EXPECT_NE(body_of(response).find("This handler is broken."), std::string::npos);
  client.send(make_request("GET", "/v1/models"));
  EXPECT_EQ(status_of(client.read_response()), 200);
}

TEST_F(HttpRequestsTest, RunsHandlersThatBlockApart) {
  std::atomic<bool> may_end = false;
  more_routes_.push_back(
      {"GET",
       "/slow",
       [&](const HttpRequest&, const CallContext&) -> Reply {
         while (!may_end)
           std::this_thread::sleep_for(1ms);
         return HttpResponse{.body = "done"};
       },
       true}
  );
  serve();
  RawClient waiting = connect();
  waiting.send(make_request("GET", "/slow"));
  EXPECT_EQ(status_of(ask(make_request("GET", "/v1/models"))), 200) << "while the other blocks";
  may_end = true;
  EXPECT_EQ(body_of(waiting.read_response()), "done");
}

TEST_F(HttpRequestsTest, GivesHandlersThePathQueryAndId) {
  more_routes_.push_back(
      {"GET",
       "/items/{id}",
       [](const HttpRequest& request, const CallContext&) -> Reply {
         return HttpResponse{
             .body = request.path_parameters.at("id") + "|" + request.query.at("a b") + "|" +
                     request.request_id};
       }}
  );
  config_.enable_request_id_headers = true;
  serve();
  const std::string response =
      ask(make_request("GET", "/items/x%20y?a+b=%31+2&c", "", "X-Request-Id: mine\r\n"));
  EXPECT_EQ(body_of(response), "x y|1 2|mine");
  EXPECT_EQ(header_of(response, "x-request-id"), "mine");
  const std::string other = ask(make_request("GET", "/items/x?a%20b="));
  EXPECT_EQ(header_of(other, "x-request-id").size(), 32u) << "one is made";
}

}  // namespace
}  // namespace quire::server
