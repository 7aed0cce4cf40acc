#include "server/http_server.h"

#include <gtest/gtest.h>

#include "server/raw_client.h"
#include "server/scripted_engine.h"

namespace quire::server {
namespace {

using test::body_of;
using test::header_of;
using test::make_request;
using test::RawClient;
using test::ScriptedEngine;
using test::status_of;

Route echo_route() {
  return {"POST", "/echo", [](const HttpRequest& request, const CallContext&) -> Reply {
            return HttpResponse{.body = request.body};
          }};
}

Route models_route() {
  return {"GET", "/v1/models", [](const HttpRequest&, const CallContext&) -> Reply {
            return HttpResponse{.body = R"({"object":"list"})"};
          }};
}

// A server on a free port of the loopback, with a scripted engine behind /stream and /complete.
class HttpServerTest : public testing::Test {
 protected:
  void serve() {
    std::vector<Route> routes = {echo_route(), models_route()};
    routes.push_back({"POST", "/stream", engine_.handler(true)});
    routes.push_back({"POST", "/complete", engine_.handler(false)});
    for (Route& route : more_routes_)
      routes.push_back(std::move(route));
    config_.host = "127.0.0.1";
    config_.port = 0;
    config_.disable_uvicorn_access_log = true;
    server_ = std::make_unique<HttpServer>(config_, std::move(routes));
  }

  RawClient connect() const { return RawClient(server_->port()); }

  ServerConfig config_;
  std::vector<Route> more_routes_;
  ScriptedEngine engine_;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpServerTest, AnswersAndKeepsTheConnection) {
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

TEST_F(HttpServerTest, StreamsEventsAsTheyCome) {
  serve();
  RawClient client = connect();
  client.send(make_request("POST", "/stream", "{}"));
  ASSERT_TRUE(engine_.wait_started(1));
  engine_.push(0, "one");
  const std::string head = client.read_until("\r\n\r\n");
  EXPECT_EQ(status_of(head), 200) << head;
  EXPECT_EQ(header_of(head, "content-type"), "text/event-stream; charset=utf-8");
  EXPECT_EQ(client.read_until("one\n\n\r\n"), "0000000b\r\ndata: one\n\n\r\n");
  engine_.push(0, "two");
  EXPECT_EQ(client.read_until("two\n\n\r\n"), "0000000b\r\ndata: two\n\n\r\n");
  engine_.finish(0);
  EXPECT_EQ(client.read_until("0\r\n\r\n"), "0000000e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n");
  client.send(make_request("GET", "/v1/models"));
  EXPECT_EQ(status_of(client.read_response()), 200) << "the connection goes on";
}

TEST_F(HttpServerTest, GathersOneResponse) {
  serve();
  RawClient client = connect();
  client.send(make_request("POST", "/complete", "{}"));
  ASSERT_TRUE(engine_.wait_started(1));
  engine_.push(0, "one ");
  engine_.push(0, "two");
  engine_.finish(0);
  EXPECT_EQ(body_of(client.read_response()), R"({"text":"one two"})");
}

TEST_F(HttpServerTest, DropsTheStreamsOfAClientThatGoes) {
  serve();
  {
    RawClient client = connect();
    client.send(make_request("POST", "/stream", "{}"));
    ASSERT_TRUE(engine_.wait_started(1));
    EXPECT_EQ(engine_.num_dropped(), 0u);
  }
  EXPECT_TRUE(engine_.wait_dropped(1)) << "without another output";
}

}  // namespace
}  // namespace quire::server
