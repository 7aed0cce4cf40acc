#include "server/response_text.h"

#include <gtest/gtest.h>

namespace quire::server {
namespace {

constexpr std::string_view kDate = "Thu, 01 Jan 1970 00:00:00 GMT";

TEST(ResponseTextTest, WritesHeadAndBody) {
  std::string out;
  const HttpResponse response{.status = 404, .body = "{}", .headers = {{"X-A", "b"}}};
  append_response(out, response, {{"X-C", "d"}}, {.keep_alive = false, .date = kDate});
  EXPECT_EQ(
      out,
      "HTTP/1.1 404 Not Found\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nConnection: close\r\n"
      "Content-Length: 2\r\nContent-Type: application/json\r\nX-A: b\r\nX-C: d\r\n\r\n{}"
  );
}

TEST(ResponseTextTest, LetsNoValueBecomeAHeader) {
  std::string out;
  append_response(out, {.headers = {{"X-A", "b\r\nX-Evil: c"}}}, {}, {.date = kDate});
  EXPECT_NE(out.find("X-A: b  X-Evil: c\r\n"), std::string::npos) << out;
}

TEST(ResponseTextTest, FramesChunks) {
  std::string out = "before|";
  const size_t chunk = begin_chunk(out);
  out += std::string(0x1a, 'x');
  end_chunk(out, chunk);
  EXPECT_EQ(out, "before|0000001a\r\n" + std::string(0x1a, 'x') + "\r\n");
  const std::string before = out;
  end_chunk(out, begin_chunk(out));
  EXPECT_EQ(out, before) << "an empty chunk would end the stream";
}

}  // namespace
}  // namespace quire::server
