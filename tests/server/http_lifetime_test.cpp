#include <thread>

#include "server/http_server_fixture.h"

namespace quire::server {
namespace {

using namespace std::chrono_literals;
using test::body_of;
using test::header_of;
using test::make_request;
using test::RawClient;
using test::status_of;

// Timeouts, and what is left to do when the server is asked to end.
class HttpLifetimeTest : public test::HttpServerTest {};

TEST_F(HttpLifetimeTest, ClosesAnIdleConnection) {
  config_.timeout_keep_alive = 0.1;
  serve();
  RawClient client = connect();
  client.send(make_request("GET", "/v1/models"));
  EXPECT_EQ(status_of(client.read_response()), 200);
  EXPECT_TRUE(client.is_closed_within(3s));
}

TEST_F(HttpLifetimeTest, ClosesAConnectionThatNeverAsks) {
  config_.timeout_header = 0.1;
  serve();
  EXPECT_TRUE(connect().is_closed_within(3s));
}

TEST_F(HttpLifetimeTest, RefusesAHeadThatComesTooSlowly) {
  config_.timeout_header = 0.2;
  serve();
  RawClient client = connect();
  client.send("GET /v1/models HTTP/1.1\r\n");
  for (int i = 0; i < 100 && client.send_some("X: y\r\n") > 0; ++i)
    std::this_thread::sleep_for(20ms);
  EXPECT_EQ(status_of(client.read_all(1s)), 408);
}

TEST_F(HttpLifetimeTest, RefusesABodyThatComesTooSlowly) {
  config_.timeout_body = 0.2;
  serve();
  RawClient client = connect();
  client.send(
      "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
      "Content-Length: 100\r\n\r\n{"
  );
  EXPECT_EQ(status_of(client.read_response()), 408);
  EXPECT_TRUE(client.is_closed_within(3s));
}

TEST_F(HttpLifetimeTest, KeepsAStreamThatIsQuietForLong) {
  config_.timeout_header = config_.timeout_body = config_.timeout_keep_alive = 0.05;
  serve();
  RawClient client = start_stream();
  std::this_thread::sleep_for(300ms);
  EXPECT_EQ(engine_.num_dropped(), 0u);
  engine_.push(0, "one");
  EXPECT_NE(client.read_until("one").find("data: one"), std::string::npos);
}

TEST_F(HttpLifetimeTest, TakesAClientThatEndsItsSideForGone) {
  serve();
  RawClient streaming = start_stream(0);
  streaming.end_sending();
  EXPECT_TRUE(engine_.wait_dropped(1));
  EXPECT_EQ(streaming.read_all(), "");
  RawClient gathering = connect();
  gathering.send(make_request("POST", "/complete", "{}"));
  ASSERT_TRUE(engine_.wait_started(2));
  gathering.end_sending();
  EXPECT_TRUE(engine_.wait_dropped(2));
  EXPECT_EQ(gathering.read_all(), "");
}

TEST_F(HttpLifetimeTest, FinishesWhatRunsWhenItDrains) {
  serve();
  RawClient idle = connect();
  idle.send(make_request("GET", "/v1/models"));
  idle.read_response();
  RawClient streaming = start_stream();
  engine_.push(0, "one");
  streaming.read_until("one");
  const int port = server_->port();
  server_->drain();
  EXPECT_TRUE(idle.is_closed_within(3s));
  EXPECT_THROW(RawClient{port}, std::runtime_error) << "nothing is accepted";
  EXPECT_FALSE(server_->wait_for(0.05)) << "a stream runs";
  EXPECT_EQ(engine_.num_dropped(), 0u);

  streaming.send(make_request("GET", "/v1/models"));  // on a connection that is kept alive
  // It is read before the stream ends: what the connection's thread is told while it looks at its
  // sockets may come before what it finds there, but nothing told after that.
  for (const char* piece : {"two", "three"}) {
    engine_.push(0, piece);
    EXPECT_NE(streaming.read_until(piece).find("data: "), std::string::npos);
  }
  engine_.finish(0);
  streaming.read_until("0\r\n\r\n");
  const std::string refusal = streaming.read_response();
  EXPECT_EQ(status_of(refusal), 503) << refusal;
  EXPECT_EQ(header_of(refusal, "connection"), "close");
  EXPECT_TRUE(streaming.is_closed_within(3s));
  EXPECT_TRUE(server_->wait_for(5.0));
}

TEST_F(HttpLifetimeTest, TellsClientsWhenItAborts) {
  serve();
  RawClient streaming = start_stream(0);
  engine_.push(0, "one");
  streaming.read_until("one");
  RawClient gathering = connect();
  gathering.send(make_request("POST", "/complete", "{}"));
  ASSERT_TRUE(engine_.wait_started(2));
  server_->drain();
  server_->abort();
  EXPECT_NE(streaming.read_all().find("The server is shutting down."), std::string::npos);
  EXPECT_EQ(status_of(gathering.read_response()), 503);
  EXPECT_TRUE(engine_.wait_dropped(2));
  EXPECT_TRUE(server_->wait_for(5.0));
}

TEST_F(HttpLifetimeTest, EndsWithClientsOfEveryKind) {
  serve();
  const RawClient silent = connect();
  RawClient half = connect();
  half.send("POST /echo HTTP/1.1\r\nHost:");
  const RawClient streaming = start_stream();
  server_.reset();
  EXPECT_TRUE(engine_.wait_dropped(1));
}

}  // namespace
}  // namespace quire::server
