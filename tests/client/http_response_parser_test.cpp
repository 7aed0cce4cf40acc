#include "client/http_response_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace quire::client {
namespace {

using ::testing::HasSubstr;

struct Parsed {
  HttpResponseParser parser;
  std::string body;
  size_t num_taken = 0;
};

Parsed parse(std::string_view text, size_t size) {
  Parsed parsed;
  for (size_t i = 0; i < text.size(); i += size) {
    const std::string_view piece = text.substr(i, size);
    const size_t taken =
        parsed.parser.feed(piece, [&](std::string_view bytes) { parsed.body += bytes; });
    parsed.num_taken += taken;
    if (taken < piece.size()) break;
  }
  return parsed;
}

TEST(HttpResponseParserTest, ReadsAChunkedBodyInPiecesOfAnySize) {
  const std::string text =
      "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5\r\nhello\r\nA;x=y\r\n0123456789\r\n0\r\nTrailer: 1\r\n\r\n";
  for (size_t size = 1; size <= text.size(); ++size) {
    const Parsed parsed = parse(text, size);
    EXPECT_EQ(parsed.body, "hello0123456789") << size;
    EXPECT_TRUE(parsed.parser.is_complete()) << size;
    EXPECT_TRUE(parsed.parser.is_event_stream());
    EXPECT_TRUE(parsed.parser.keeps_alive());
    EXPECT_EQ(parsed.num_taken, text.size());
  }
}

TEST(HttpResponseParserTest, ReadsASizedBodyAndLeavesWhatFollows) {
  const std::string text =
      "HTTP/1.1 429 Too Many\r\nRetry-After: 3\r\nContent-Length: 4\r\nConnection: close\r\n\r\n"
      "bodyHTTP/1.1";
  const Parsed parsed = parse(text, text.size());
  EXPECT_EQ(parsed.body, "body");
  EXPECT_EQ(parsed.parser.status(), 429);
  EXPECT_EQ(parsed.parser.retry_after(), "3");
  EXPECT_FALSE(parsed.parser.keeps_alive());
  EXPECT_EQ(parsed.num_taken, text.size() - 8);
}

TEST(HttpResponseParserTest, PassesOverInterimResponses) {
  const Parsed parsed =
      parse("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\nContent-Length: 9\r\n\r\n", 7);
  EXPECT_EQ(parsed.parser.status(), 204);
  EXPECT_TRUE(parsed.parser.is_complete());
}

TEST(HttpResponseParserTest, ABodyWithoutALengthEndsWithTheConnection) {
  Parsed parsed = parse("HTTP/1.0 200 OK\r\n\r\nabc", 100);
  EXPECT_FALSE(parsed.parser.is_complete());
  EXPECT_TRUE(parsed.parser.finish_at_close());
  EXPECT_EQ(parsed.body, "abc");
  EXPECT_FALSE(parsed.parser.keeps_alive());
}

TEST(HttpResponseParserTest, ACutBodyIsNotComplete) {
  EXPECT_FALSE(
      parse("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", 100).parser.finish_at_close()
  );
  EXPECT_FALSE(parse("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", 100)
                   .parser.finish_at_close());
}

TEST(HttpResponseParserTest, TellsWhatIsNoHttp) {
  const std::pair<const char*, const char*> cases[] = {
      {"garbage\r\n\r\n", "status line"},
      {"HTTP/2 200\r\n\r\n", "status line"},
      {"HTTP/1.1 20 OK\r\n\r\n", "status line"},
      {"\r\n\r\n", "empty line"},
      {"HTTP/1.1 200 OK\r\nno header\r\n\r\n", "colon"},
      {"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "content-length"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "content-length"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "transfer-encoding"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", "chunk"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n", "longer"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n", "chunk"},
  };
  for (const auto& [text, message] : cases) {
    const Parsed parsed = parse(text, 3);
    ASSERT_TRUE(parsed.parser.error()) << text;
    EXPECT_THAT(*parsed.parser.error(), HasSubstr(message)) << text;
  }
}

TEST(HttpResponseParserTest, AHeadHasABound) {
  HttpResponseParser parser;
  const std::string line = "X-Filler: " + std::string(1000, 'x') + "\r\n";
  const auto ignore = [](std::string_view) {};
  parser.feed("HTTP/1.1 200 OK\r\n", ignore);
  for (int i = 0; i < 100; ++i)
    parser.feed(line, ignore);
  ASSERT_TRUE(parser.error());
  EXPECT_THAT(*parser.error(), HasSubstr("too long"));
}

}  // namespace
}  // namespace quire::client
