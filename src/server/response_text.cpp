#include "server/response_text.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace quire::server {
namespace {

// Room for the size of a chunk: hexadecimal digits and the line's end.
constexpr size_t kChunkDigits = 8;
constexpr std::string_view kLineEnd = "\r\n";

constexpr auto kPhrases = std::to_array<std::pair<int, const char*>>({
    {100, "Continue"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {413, "Content Too Large"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {529, "Overloaded"},
});

void append_header(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ");
  if (value.find_first_of("\r\n") == std::string_view::npos) {
    out.append(value);
  } else {  // nobody may add headers through a value
    std::replace_copy_if(
        value.begin(),
        value.end(),
        std::back_inserter(out),
        [](char c) { return c == '\r' || c == '\n'; },
        ' '
    );
  }
  out.append(kLineEnd);
}

void append_head(std::string& out, int status, const ResponseFraming& framing) {
  fmt::format_to(std::back_inserter(out), "HTTP/1.1 {} {}\r\n", status, status_phrase(status));
  append_header(out, "Date", framing.date);
  if (!framing.keep_alive) {
    append_header(out, "Connection", "close");
  } else if (framing.is_http_1_0) {
    append_header(out, "Connection", "keep-alive");
  }
}

void append_headers(std::string& out, const Headers& headers) {
  for (const auto& [name, value] : headers)
    append_header(out, name, value);
}

bool has_no_body(int status) {
  return status == 204 || status == 304 || status < 200;
}

}  // namespace

const char* status_phrase(int status) {
  const auto found = std::find_if(kPhrases.begin(), kPhrases.end(), [status](const auto& phrase) {
    return phrase.first == status;
  });
  return found == kPhrases.end() ? "Status" : found->second;
}

const std::string& DateText::now() {
  const std::time_t second = std::time(nullptr);
  if (second != second_) {
    second_ = second;
    text_ = fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT", fmt::gmtime(second));
  }
  return text_;
}

void append_response(
    std::string& out,
    const HttpResponse& response,
    const Headers& more_headers,
    const ResponseFraming& framing
) {
  append_head(out, response.status, framing);
  if (!has_no_body(response.status)) {
    fmt::format_to(std::back_inserter(out), "Content-Length: {}\r\n", response.body.size());
    if (!response.body.empty()) append_header(out, "Content-Type", response.content_type);
  }
  append_headers(out, response.headers);
  append_headers(out, more_headers);
  out.append(kLineEnd);
  if (!framing.is_head && !has_no_body(response.status)) out.append(response.body);
}

void append_stream_head(
    std::string& out,
    const Headers& headers,
    const Headers& more_headers,
    const ResponseFraming& framing
) {
  append_head(out, 200, framing);
  append_header(out, "Content-Type", "text/event-stream; charset=utf-8");
  append_header(out, "Cache-Control", "no-cache");
  append_header(out, "X-Accel-Buffering", "no");  // proxies would hold the events back
  if (!framing.is_http_1_0) append_header(out, "Transfer-Encoding", "chunked");
  append_headers(out, headers);
  append_headers(out, more_headers);
  out.append(kLineEnd);
}

size_t begin_chunk(std::string& out) {
  const size_t begin = out.size();
  out.append(kChunkDigits, '0').append(kLineEnd);
  return begin;
}

void end_chunk(std::string& out, size_t begin) {
  const size_t content = begin + kChunkDigits + kLineEnd.size();
  size_t size = out.size() - content;
  if (size == 0) {
    out.resize(begin);
    return;
  }
  // Leading zeros are part of the grammar of a chunk's size.
  for (size_t digit = kChunkDigits; digit-- > 0; size >>= 4)
    out[begin + digit] = "0123456789abcdef"[size & 15];
  out.append(kLineEnd);
}

void append_last_chunk(std::string& out) {
  out.append("0\r\n\r\n");
}

}  // namespace quire::server
