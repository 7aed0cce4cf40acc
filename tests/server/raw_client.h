#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace quire::test {

// A client that sends any bytes and reads what comes, over the loopback.
class RawClient {
 public:
  explicit RawClient(int port);
  // A unix socket. Throws std::runtime_error, as the other does, when nobody listens.
  explicit RawClient(const std::string& path);
  // Over a socket that is connected, which it closes.
  static RawClient over(int fd);
  ~RawClient();
  RawClient(RawClient&& other) noexcept;
  RawClient& operator=(RawClient&&) = delete;

  void send(std::string_view bytes);
  // As many as the socket takes at once; 0: none, it is full or broken.
  size_t send_some(std::string_view bytes);
  void end_sending();
  void reset();  // closes so that the server sees a reset
  void shrink_receive_buffer();

  // Everything up to the end of the connection, or to `timeout`.
  std::string read_all(std::chrono::milliseconds timeout = std::chrono::seconds(5));
  // Until `text` has come; what was read so far if the connection ends or the time is up.
  std::string read_until(
      std::string_view text, std::chrono::milliseconds timeout = std::chrono::seconds(5)
  );
  // One response, with a body as its Content-Length says. Empty: the connection has ended.
  std::string read_response();
  // Whether the server closes within `timeout`; what comes before that is read and dropped.
  bool is_closed_within(std::chrono::milliseconds timeout);

 private:
  RawClient() = default;
  bool read_more(std::chrono::steady_clock::time_point deadline);  // false: the end, or too late
  std::string take(size_t num_bytes);

  int fd_ = -1;
  std::string received_;
  bool has_ended_ = false;
};

// "GET /x HTTP/1.1" with a Host and, if there is one, a JSON body.
std::string make_request(
    std::string_view method,
    std::string_view path,
    std::string_view body = "",
    std::string_view more_headers = ""  // each with its line end
);

int status_of(std::string_view response);  // 0: not a response
std::string body_of(std::string_view response);
// The value of a header, "" if there is none.
std::string header_of(std::string_view response, std::string_view name);

}  // namespace quire::test
