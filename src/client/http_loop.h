#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/http_response_parser.h"
#include "client/url.h"

namespace quire::client {

// What becomes of one call. All times are monotonic seconds.
class Exchange {
 public:
  virtual ~Exchange() = default;
  // A piece of the body as it came, without the framing; the head is there.
  virtual void on_body(const HttpResponseParser& response, std::string_view piece, double now) = 0;
  // The last thing that is heard of a call. `error`: why there is no whole response; empty: there
  // is one.
  virtual void on_end(const HttpResponseParser& response, const std::string& error, double now) = 0;
};

// Thousands of HTTP/1.1 calls to one server from one thread. Connections are kept and used again.
class HttpLoop {
 public:
  using CallId = uint64_t;

  // Looks the host up. Throws EnvironmentError when it has no address, InvalidArgument for https.
  explicit HttpLoop(const Url& url);
  ~HttpLoop();
  HttpLoop(const HttpLoop&) = delete;
  HttpLoop& operator=(const HttpLoop&) = delete;

  // Sends `request`, the bytes of a whole HTTP request, which must live until the end. A call on a
  // kept connection that the server has just closed is sent once more on a new one. May be called
  // from within an Exchange.
  CallId start(std::string_view request, Exchange& exchange);
  // The same on a connection of its own, which closes behind it. `receive_buffer`: how many bytes
  // the system keeps for it before the server must wait; 0: the system's choice.
  CallId start_alone(std::string_view request, Exchange& exchange, int receive_buffer = 0);
  // Closes the call's connection; its exchange hears nothing more. Unknown ids are ignored.
  void abandon(CallId id);
  // A call that is not read makes the server wait.
  void set_reading(CallId id, bool is_reading);

  // Hands out what has come, after waiting at most `seconds` for it; negative: as long as it takes.
  void poll(double seconds);
  size_t num_calls() const { return num_calls_; }
  size_t num_connections() const { return num_connections_; }
  int64_t num_bytes_received() const { return num_bytes_received_; }

 private:
  struct Connection;

  Connection& open_connection(int receive_buffer);
  CallId start_on(Connection& connection, std::string_view request, Exchange& exchange);
  Connection* find(CallId id);
  void open_socket(Connection& connection, int receive_buffer);
  void set_interest(Connection& connection);
  void handle(Connection& connection, uint32_t events);
  void send_some(Connection& connection);
  void receive_some(Connection& connection);
  void take_bytes(Connection& connection, std::string_view bytes, double now);
  void on_close(Connection& connection, const std::string& why, double now);
  bool reopen(Connection& connection);
  void end_call(Connection& connection, const std::string& error, double now);
  void close_socket(Connection& connection);

  struct Address;
  std::unique_ptr<Address> address_;
  int epoll_ = -1;
  std::vector<std::unique_ptr<Connection>> connections_;  // closed ones too, to be opened again
  std::vector<uint32_t> kept_;  // open and without a call, the last used at the back
  std::vector<uint32_t> closed_;
  Connection* receiving_ = nullptr;  // whose bytes are handed out: it is not opened again meanwhile
  std::vector<char> buffer_;
  size_t num_calls_ = 0;
  size_t num_connections_ = 0;
  int64_t num_bytes_received_ = 0;
};

}  // namespace quire::client
