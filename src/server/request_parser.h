#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "server/http_message.h"

namespace quire::server {

struct ParserLimits {
  size_t max_head_bytes = 64 << 10;
  int max_headers = 256;
  uint64_t max_body_bytes = 64 << 20;
};

// Reads one HTTP/1.x request out of bytes that come in any pieces. Refuses what two servers in a
// row could read differently: two lengths, a length with an encoding, encodings but chunked.
class RequestParser {
 public:
  explicit RequestParser(const ParserLimits& limits);
  ~RequestParser();

  // Takes what it can of `bytes` and says how much that was; the rest must come again, with more
  // after it. Takes nothing after the request's end or a failure.
  size_t put(std::string_view bytes);

  bool has_head() const;  // all but `body` of the request is there
  bool is_done() const;
  bool has_failed() const { return failed_status() != 0; }
  int failed_status() const;  // of the answer: 400, 413, 417, 431, 501, 505; 0: all is well
  const std::string& failure() const;  // a sentence

  // From here on, once it has a head.
  bool expects_continue() const;
  bool keep_alive() const;  // the client wants to send more requests
  bool is_http_1_0() const;
  uint64_t body_bytes_announced() const;  // 0 for a chunked body
  bool is_chunked() const;
  const std::string& target() const;  // as it came
  HttpRequest& request();  // without its id, unless it brings one

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace quire::server
