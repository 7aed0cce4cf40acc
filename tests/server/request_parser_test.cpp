#include "server/request_parser.h"

#include <gtest/gtest.h>

namespace quire::server {
namespace {

constexpr std::string_view kHead = "POST /x HTTP/1.1\r\nHost: a\r\n";

// The status of the refusal; 0: the request is fine.
int refusal_of(const std::string& bytes) {
  RequestParser parser({});
  std::string_view rest = bytes;
  while (!rest.empty()) {
    const size_t taken = parser.put(rest);
    if (taken == 0) break;
    rest.remove_prefix(taken);
  }
  EXPECT_TRUE(parser.is_done() || parser.has_failed()) << "it waits for more: " << bytes;
  return parser.failed_status();
}

int refusal_with(const std::string& headers, const std::string& body = "") {
  return refusal_of(std::string(kHead) + headers + "\r\n" + body);
}

TEST(RequestParserTest, ReadsTheSameRequestFromAnyPieces) {
  const std::string bytes = std::string(kHead) +
                            "X-Two: b\r\nTransfer-Encoding: chunked\r\n\r\n"
                            "3;ext=1\r\nabc\r\n4\r\ndefg\r\n0\r\nTrailer: t\r\n\r\nGET";
  for (size_t step = 1; step <= bytes.size(); ++step) {
    RequestParser parser({});
    std::string waiting;
    for (size_t i = 0; i < bytes.size() && !parser.is_done(); i += step) {
      waiting += bytes.substr(i, step);
      waiting.erase(0, parser.put(waiting));
    }
    ASSERT_TRUE(parser.is_done()) << step << ": " << parser.failure();
    EXPECT_EQ(parser.request().body, "abcdefg") << step;
    EXPECT_EQ(parser.request().headers.size(), 3u) << "trailers are no headers";
    EXPECT_TRUE(std::string("GET").starts_with(waiting)) << "what follows is left: " << waiting;
  }
}

TEST(RequestParserTest, SplitsTheTarget) {
  RequestParser parser({});
  parser.put("GET http://host:80/a%2Fb/%zz?q=1%202&q=2&flag&=x#f HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(parser.is_done()) << parser.failure();
  EXPECT_EQ(parser.request().path, "/a/b/%zz");
  EXPECT_EQ(parser.request().query.at("q"), "2") << "the last one counts";
  EXPECT_EQ(parser.request().query.at("flag"), "");
}

TEST(RequestParserTest, LeavesRoomForTheJsonParser) {
  RequestParser parser({});
  parser.put(std::string(kHead) + "Content-Length: 4\r\n\r\nnull");
  ASSERT_TRUE(parser.is_done());
  EXPECT_GE(parser.request().body.capacity(), 4u + 64u);
}

TEST(RequestParserTest, PassesOverEmptyLinesBeforeARequest) {
  EXPECT_EQ(refusal_of("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"), 0);
}

TEST(RequestParserTest, RefusesWhatTwoServersCouldReadDifferently) {
  EXPECT_EQ(refusal_with("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n"), 400);
  EXPECT_EQ(refusal_with("Transfer-Encoding: chunked\r\nContent-Length: 1\r\n"), 400);
  EXPECT_EQ(refusal_with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400);
  EXPECT_EQ(refusal_with("Content-Length: 1\r\nContent-Length: 2\r\n"), 400);
  EXPECT_EQ(refusal_with("Content-Length: 1\r\nContent-Length: 1\r\n"), 400);
  EXPECT_EQ(refusal_with("Content-Length: 1, 1\r\n"), 400);
  EXPECT_EQ(refusal_with("Content-Length: +1\r\n"), 400);
  EXPECT_EQ(refusal_with("Content-Length: 0x1\r\n"), 400);
  EXPECT_EQ(refusal_with("Content-Length: -1\r\n"), 400);
  EXPECT_EQ(refusal_with("Content-Length: 99999999999999999999\r\n"), 400);
  EXPECT_EQ(refusal_with("Content-Length:\r\n"), 400);
  EXPECT_EQ(refusal_with("Content-Length : 1\r\n"), 400);
  EXPECT_EQ(refusal_with("Transfer-Encoding: gzip, chunked\r\n"), 501);
  EXPECT_EQ(refusal_with("Transfer-Encoding: identity\r\n"), 501);
  EXPECT_EQ(refusal_with("Transfer-Encoding: xchunked\r\n"), 501);
  EXPECT_EQ(refusal_with("Host: b\r\n"), 400) << "two hosts";
  EXPECT_EQ(refusal_of("GET / HTTP/1.1\r\n\r\n"), 400) << "no host";
  EXPECT_EQ(refusal_of("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400);
}

TEST(RequestParserTest, RefusesBadChunks) {
  const auto refusal = [](const std::string& body) {
    return refusal_with("Transfer-Encoding: chunked\r\n", body);
  };
  EXPECT_EQ(refusal("x\r\nabc\r\n0\r\n\r\n"), 400);
  EXPECT_EQ(refusal("-1\r\nabc\r\n0\r\n\r\n"), 400);
  EXPECT_EQ(refusal("3\r\nabcd\r\n0\r\n\r\n"), 400) << "longer than it says";
  EXPECT_EQ(refusal("3 x\r\nabc\r\n0\r\n\r\n"), 400);
  EXPECT_NE(refusal("fffffffffffffffff\r\nabc\r\n0\r\n\r\n"), 0) << "no 64-bit number";
  EXPECT_EQ(refusal("ffffffffffffffff\r\nabc\r\n0\r\n\r\n"), 413);
  EXPECT_EQ(refusal("3\r\nabc\r\n0\r\nContent-Length: 5\r\n\r\n"), 400) << "in the trailer";
}

TEST(RequestParserTest, BoundsTheSumOfTheChunks) {
  const std::string head = std::string(kHead) + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n";
  for (const auto& [bytes, status] :
       {std::pair(head + "2\r\nde\r\n0\r\n\r\n", 0), std::pair(head + "3\r\ndef", 413)}) {
    RequestParser parser({.max_body_bytes = 5});
    std::string waiting;
    for (const char byte : bytes) {
      waiting += byte;
      waiting.erase(0, parser.put(waiting));
    }
    EXPECT_EQ(parser.failed_status(), status) << bytes;
  }
}

TEST(RequestParserTest, AQuoteWithoutAnEndIsNoLongerABodyForComingInPieces) {
  RequestParser parser({.max_body_bytes = 10});
  std::string waiting = std::string(kHead) + "Transfer-Encoding: chunked\r\n\r\n3;a=\"\r\n";
  for (int i = 0; i < 20; ++i) {
    waiting.erase(0, parser.put(waiting));
    waiting += 'x';
  }
  EXPECT_EQ(parser.failed_status(), 0) << parser.failure();
}

TEST(RequestParserTest, RefusesWhatIsNoRequest) {
  EXPECT_EQ(refusal_of("nonsense\r\n\r\n"), 400);
  EXPECT_EQ(refusal_of("GET /\r\n\r\n"), 400) << "HTTP/0.9";
  EXPECT_EQ(refusal_of("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505);
  EXPECT_EQ(refusal_of("GET x HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
  EXPECT_EQ(refusal_of("CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n"), 501);
  EXPECT_EQ(refusal_of("GET / HTTP/1.1\nHost: a\n\n"), 505) << "bare line feeds";
  EXPECT_EQ(refusal_with("X: a\nY: b\r\n"), 400) << "one bare line feed";
  EXPECT_EQ(refusal_with(std::string("X: a\0b\r\n", 8)), 400) << "a control character";
  EXPECT_EQ(refusal_with("X: a\rb\r\n"), 400);
  EXPECT_EQ(refusal_with("Expect: a-miracle\r\n"), 417);
}

TEST(RequestParserTest, BoundsTheLineOfAChunk) {
  RequestParser parser({.max_head_bytes = 4096});
  std::string bytes = std::string(kHead) + "Transfer-Encoding: chunked\r\n\r\n1;";
  bytes.erase(0, parser.put(bytes));
  bytes += std::string(5000, 'x');
  parser.put(bytes);
  EXPECT_EQ(parser.failed_status(), 400);
}

}  // namespace
}  // namespace quire::server
