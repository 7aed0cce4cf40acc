#include "client/sse_scanner.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace quire::client {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// "event|data" of each event, when the text comes in pieces of `size` bytes.
std::vector<std::string> scan(std::string_view text, size_t size) {
  SseScanner scanner;
  std::vector<std::string> events;
  for (size_t i = 0; i < text.size(); i += size) {
    scanner.feed(text.substr(i, size), [&](const SseEvent& event) {
      events.push_back(std::string(event.event) + "|" + std::string(event.data));
    });
  }
  return events;
}

TEST(SseScannerTest, FindsTheSameEventsInPiecesOfAnySize) {
  const std::string text =
      "data: {\"a\": 1}\n\ndata: two\n\n: a comment\n\nevent: ping\ndata: x\nid: 7\n\n"
      "data:no space\n\ndata: first line\ndata:  second\n\ndata: [DONE]\n\n";
  for (size_t size = 1; size <= text.size(); ++size) {
    EXPECT_THAT(
        scan(text, size),
        ElementsAre("|{\"a\": 1}", "|two", "ping|x", "|no space", "|first line\n second", "|[DONE]")
    ) << "pieces of "
      << size;
  }
}

TEST(SseScannerTest, KnowsAllThreeLineEnds) {
  for (size_t size = 1; size <= 30; ++size) {
    EXPECT_THAT(scan("data: a\r\n\r\ndata: b\r\rdata: c\n\n", size), ElementsAre("|a", "|b", "|c"));
  }
}

TEST(SseScannerTest, AnEventWithoutItsEmptyLineIsNotComplete) {
  SseScanner scanner;
  int num_events = 0;
  const auto count = [&](const SseEvent&) { ++num_events; };
  scanner.feed("data: x", count);
  EXPECT_TRUE(scanner.has_rest());
  scanner.feed("\n", count);
  EXPECT_EQ(num_events, 0);
  EXPECT_TRUE(scanner.has_rest());
  scanner.feed("\n", count);
  EXPECT_EQ(num_events, 1);
  EXPECT_FALSE(scanner.has_rest());
}

TEST(SseScannerTest, AnEventWithoutDataIsNone) {
  EXPECT_THAT(scan("event: ping\n\n\n\n: hello\n\nretry: 5\n\n", 100), IsEmpty());
  EXPECT_THAT(scan("data\n\n", 100), ElementsAre("|"));
}

}  // namespace
}  // namespace quire::client
