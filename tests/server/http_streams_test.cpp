#include <thread>

#include "server/http_server_fixture.h"
#include "support/captured_log.h"

namespace quire::server {
namespace {

using namespace std::chrono_literals;
using test::body_of;
using test::header_of;
using test::make_request;
using test::RawClient;
using test::status_of;

class HttpStreamsTest : public test::HttpServerTest {};

// An answer that can be neither finished nor given up.
struct BrokenAnswer final : Answer {
  void add(int, RequestOutput, std::string&) override {}
  HttpResponse finish(std::string&) override { throw std::runtime_error("cannot finish"); }
  void fail(const ErrorInfo&, std::string*) override { throw std::runtime_error("cannot fail"); }
};

TEST_F(HttpStreamsTest, SendsEventsAsTheyCome) {
  serve();
  RawClient client = start_stream();
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

TEST_F(HttpStreamsTest, SendsAHeadBeforeTheFirstEventIfThatIsLate) {
  serve();
  RawClient client = start_stream();
  EXPECT_EQ(status_of(client.read_until("\r\n\r\n", 3s)), 200);
  engine_.push(0, "late");
  EXPECT_NE(client.read_until("late\n\n").find("data: late"), std::string::npos);
}

TEST_F(HttpStreamsTest, EndsAnHttp10StreamWithTheConnection) {
  serve();
  RawClient client = connect();
  client.send(
      "POST /stream HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
  );
  ASSERT_TRUE(engine_.wait_started(1));
  engine_.push(0, "one");
  engine_.finish(0);
  EXPECT_EQ(body_of(client.read_all()), "data: one\n\ndata: [DONE]\n\n");
}

TEST_F(HttpStreamsTest, LogsWhyAConnectionFailedAndGoesOn) {
  const test::CapturedLog log;
  more_routes_.push_back({"POST", "/broken", [](const HttpRequest&, const CallContext&) -> Reply {
                            Generation generation;
                            generation.answer = std::make_unique<BrokenAnswer>();
                            return generation;
                          }});
  serve();
  RawClient client = connect();
  client.send(make_request("POST", "/broken", "{}"));
  EXPECT_TRUE(client.is_closed_within(3s));
  EXPECT_EQ(status_of(ask(make_request("GET", "/v1/models"))), 200);
  server_.reset();
  EXPECT_NE(log.text().find("failed and is closed: cannot fail"), std::string::npos) << log.text();
}

TEST_F(HttpStreamsTest, GathersOneResponse) {
  serve();
  RawClient client = connect();
  client.send(make_request("POST", "/complete", "{}"));
  ASSERT_TRUE(engine_.wait_started(1));
  engine_.push(0, "one ");
  engine_.push(0, "two");
  engine_.finish(0);
  EXPECT_EQ(body_of(client.read_response()), R"({"text":"one two"})");
}

TEST_F(HttpStreamsTest, AnswersAFailureBeforeTheFirstEventWithItsStatus) {
  serve();
  for (const char* path : {"/stream", "/complete"}) {
    const size_t index = engine_.num_started();
    RawClient client = connect();
    client.send(make_request("POST", path, "{}"));
    ASSERT_TRUE(engine_.wait_started(index + 1));
    engine_.push_poison(index);
    EXPECT_EQ(status_of(client.read_response()), 500) << path;
    EXPECT_TRUE(engine_.wait_dropped(index + 1)) << path;
  }
}

TEST_F(HttpStreamsTest, EndsAStreamThatFailsWithAnErrorEvent) {
  serve();
  RawClient client = start_stream();
  engine_.push(0, "one");
  client.read_until("one");
  engine_.push_poison(0);
  const std::string rest = client.read_until("0\r\n\r\n");
  EXPECT_NE(rest.find("data: failed: This output cannot be shown.\n\n\r\n0\r\n\r\n"), rest.npos)
      << rest;
  EXPECT_EQ(rest.find("half"), rest.npos) << "only whole events are sent";
  EXPECT_TRUE(engine_.wait_dropped(1));
  client.send(make_request("GET", "/v1/models"));
  EXPECT_EQ(status_of(client.read_response()), 200);
}

TEST_F(HttpStreamsTest, DropsTheStreamsOfAClientThatGoes) {
  serve();
  { const RawClient before_the_first_event = start_stream(0); }
  EXPECT_TRUE(engine_.wait_dropped(1)) << "without another output";
  {
    RawClient amid = start_stream(1);
    engine_.push(1, "one");
    amid.read_until("one");
    EXPECT_EQ(engine_.num_dropped(), 1u);
  }
  EXPECT_TRUE(engine_.wait_dropped(2));
  start_stream(2).reset();
  EXPECT_TRUE(engine_.wait_dropped(3));
  {
    RawClient gathering = connect();
    gathering.send(make_request("POST", "/complete", "{}"));
    ASSERT_TRUE(engine_.wait_started(4));
  }
  EXPECT_TRUE(engine_.wait_dropped(4));
}

TEST_F(HttpStreamsTest, NoticesThatAClientGoesWhoHasSentMoreThanIsRead) {
  serve();
  RawClient client = start_stream();
  // More than the server takes ahead, so that it sees no end of the stream.
  const std::string ahead(1 << 20, 'x');
  while (client.send_some(ahead) > 0)
    std::this_thread::sleep_for(1ms);
  EXPECT_EQ(engine_.num_dropped(), 0u);
  client.reset();
  EXPECT_TRUE(engine_.wait_dropped(1));
}

TEST_F(HttpStreamsTest, SurvivesAThousandAbortsAtOnce) {
  serve();
  constexpr size_t kNumClients = 1000;
  std::vector<RawClient> clients;
  for (size_t i = 0; i < kNumClients; ++i) {
    clients.push_back(connect());
    clients.back().send(make_request("POST", "/stream", "{}"));
  }
  ASSERT_TRUE(engine_.wait_started(kNumClients));
  for (size_t i = 0; i < kNumClients; i += 2)
    engine_.push(i, "one");
  for (RawClient& client : clients)
    client.reset();
  EXPECT_TRUE(engine_.wait_dropped(kNumClients));
  EXPECT_EQ(status_of(ask(make_request("GET", "/v1/models"))), 200);
}

TEST_F(HttpStreamsTest, ReadsNothingFromTheEngineForAClientThatIsSlow) {
  serve();
  RawClient slow = start_stream(0);
  slow.shrink_receive_buffer();
  const std::string piece(16 << 10, 'x');
  constexpr size_t kNumPieces = 2000;  // 32 MB: more than the kernel buffers
  for (size_t i = 0; i < kNumPieces; ++i)
    engine_.push(0, piece);
  std::this_thread::sleep_for(100ms);
  const size_t num_read = engine_.num_outputs_read(0);
  EXPECT_LT(num_read, kNumPieces / 2);
  EXPECT_EQ(engine_.num_dropped(), 0u) << "it is slow, not gone";

  // Others are not held up.
  RawClient fast = start_stream(1);
  engine_.push(1, "quick");
  EXPECT_NE(fast.read_until("quick").find("quick"), std::string::npos);

  engine_.finish(0);
  const std::string all = slow.read_until("[DONE]", 20s);
  EXPECT_GT(all.size(), kNumPieces * piece.size()) << "nothing is lost";
  EXPECT_EQ(engine_.num_outputs_read(0), kNumPieces + 1);
}

TEST_F(HttpStreamsTest, DropsAClientThatTakesNothing) {
  config_.timeout_write = 0.2;
  serve();
  RawClient client = start_stream();
  client.shrink_receive_buffer();
  const std::string piece(64 << 10, 'x');
  for (int i = 0; i < 500; ++i)
    engine_.push(0, piece);
  EXPECT_TRUE(engine_.wait_dropped(1));
}

TEST_F(HttpStreamsTest, AnswersWhatWasSentAheadAfterTheStream) {
  serve();
  RawClient client = start_stream();
  client.send(make_request("GET", "/v1/models"));
  engine_.push(0, "one");
  engine_.finish(0);
  client.read_until("0\r\n\r\n");
  EXPECT_EQ(body_of(client.read_response()), R"({"object":"list"})");
}

}  // namespace
}  // namespace quire::server
