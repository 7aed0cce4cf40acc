#pragma once

#include <ctime>
#include <string>
#include <string_view>

#include "server/http_message.h"

// Responses as they go over the wire.
namespace quire::server {

const char* status_phrase(int status);  // 404: "Not Found"

// The value of the Date header; made anew once a second. One thread's.
class DateText {
 public:
  const std::string& now();

 private:
  std::time_t second_ = -1;
  std::string text_;
};

struct ResponseFraming {
  bool is_head = false;  // the answer to HEAD: no body
  bool keep_alive = true;
  bool is_http_1_0 = false;
  std::string_view date;
};

// Appends head and body. `more_headers`: beside the response's own.
void append_response(
    std::string& out,
    const HttpResponse& response,
    const Headers& more_headers,
    const ResponseFraming& framing
);

// Appends the head of a stream of server-sent events: chunked, or up to the connection's end for
// HTTP/1.0.
void append_stream_head(
    std::string& out,
    const Headers& headers,
    const Headers& more_headers,
    const ResponseFraming& framing
);

// A chunk is written in place: begin, append its content, end. Without content nothing is left.
size_t begin_chunk(std::string& out);  // what end_chunk needs
void end_chunk(std::string& out, size_t begin);
void append_last_chunk(std::string& out);

}  // namespace quire::server
