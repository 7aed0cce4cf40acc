#include "client/http_loop.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <string>

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "quire/error.h"

namespace quire::client {
namespace {

constexpr size_t kBufferBytes = 256 << 10;
constexpr int kMaxEvents = 512;

}  // namespace

struct HttpLoop::Address {
  sockaddr_storage storage{};
  socklen_t length = 0;
};

struct HttpLoop::Connection {
  uint32_t slot = 0;
  uint32_t serial = 0;  // of the call; its id is both numbers
  uint32_t socket_serial = 0;  // tells events of an earlier socket of this slot from its own
  int fd = -1;
  bool is_alone = false;
  bool is_connecting = false;
  bool is_reading = true;
  bool has_served = false;  // a call before this one
  bool has_received = false;  // some of this call's response
  uint32_t interest = 0;  // as epoll knows it
  Exchange* exchange = nullptr;  // nullptr: no call
  std::string_view request;
  size_t num_sent = 0;
  HttpResponseParser response;

  CallId id() const { return uint64_t{slot} << 32 | serial; }
};

HttpLoop::HttpLoop(const Url& url) : address_(std::make_unique<Address>()), buffer_(kBufferBytes) {
  if (url.is_tls) {
    throw InvalidArgument(
        "--base-url",
        "https is not measured: the numbers would be those of the encryption. Give the address "
        "behind the proxy, with http://."
    );
  }
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error =
      ::getaddrinfo(url.host.c_str(), std::to_string(url.port).c_str(), &hints, &found);
  if (error != 0) {
    throw EnvironmentError(fmt::format("{}: {}.", url.host, ::gai_strerror(error)));
  }
  // The first address; an IPv4 one where there is a choice, as servers that listen on 0.0.0.0 have.
  const addrinfo* chosen = found;
  for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
    if (entry->ai_family == AF_INET && chosen->ai_family != AF_INET) chosen = entry;
  }
  std::memcpy(&address_->storage, chosen->ai_addr, chosen->ai_addrlen);
  address_->length = chosen->ai_addrlen;
  ::freeaddrinfo(found);
  epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  if (epoll_ < 0) throw EnvironmentError(fmt::format("epoll_create1: {}.", std::strerror(errno)));
}

HttpLoop::~HttpLoop() {
  for (const auto& connection : connections_) {
    if (connection->fd >= 0) ::close(connection->fd);
  }
  ::close(epoll_);
}

HttpLoop::Connection& HttpLoop::open_connection(int receive_buffer) {
  if (closed_.empty()) {
    closed_.push_back(static_cast<uint32_t>(connections_.size()));
    connections_.push_back(std::make_unique<Connection>());
    connections_.back()->slot = closed_.back();
  }
  Connection& connection = *connections_[closed_.back()];
  open_socket(connection, receive_buffer);  // may throw: the slot stays closed
  closed_.pop_back();
  ++num_connections_;
  return connection;
}

void HttpLoop::open_socket(Connection& connection, int receive_buffer) {
  const auto& storage = address_->storage;
  const int fd = ::socket(storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0)
    throw EnvironmentError(fmt::format("Cannot open a socket: {}.", std::strerror(errno)));
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (receive_buffer > 0) {
    ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  }
  const auto* address = reinterpret_cast<const sockaddr*>(&storage);
  if (::connect(fd, address, address_->length) < 0 && errno != EINPROGRESS) {
    const int error = errno;
    ::close(fd);
    throw EnvironmentError(fmt::format("Cannot connect: {}.", std::strerror(error)));
  }
  connection.fd = fd;
  connection.is_connecting = true;
  connection.has_served = false;
  connection.interest = EPOLLOUT;
  ++connection.socket_serial;
  epoll_event event{};
  event.events = connection.interest;
  event.data.u64 = uint64_t{connection.slot} << 32 | connection.socket_serial;
  ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
}

void HttpLoop::set_interest(Connection& connection) {
  uint32_t interest = 0;
  if (connection.is_reading && !connection.is_connecting) interest |= EPOLLIN;
  const bool has_more = connection.exchange && connection.num_sent < connection.request.size();
  if (connection.is_connecting || has_more) interest |= EPOLLOUT;
  if (interest == connection.interest) return;
  connection.interest = interest;
  epoll_event event{};
  event.events = interest;
  event.data.u64 = uint64_t{connection.slot} << 32 | connection.socket_serial;
  ::epoll_ctl(epoll_, EPOLL_CTL_MOD, connection.fd, &event);
}

HttpLoop::CallId HttpLoop::start(std::string_view request, Exchange& exchange) {
  if (kept_.empty()) return start_on(open_connection(0), request, exchange);
  Connection& connection = *connections_[kept_.back()];
  kept_.pop_back();
  return start_on(connection, request, exchange);
}

HttpLoop::CallId HttpLoop::start_alone(
    std::string_view request, Exchange& exchange, int receive_buffer
) {
  Connection& connection = open_connection(receive_buffer);
  connection.is_alone = true;
  return start_on(connection, request, exchange);
}

HttpLoop::CallId HttpLoop::start_on(
    Connection& connection, std::string_view request, Exchange& exchange
) {
  ++connection.serial;
  ++num_calls_;
  connection.exchange = &exchange;
  connection.request = request;
  connection.num_sent = 0;
  connection.has_received = false;
  connection.is_reading = true;
  connection.response.reset();
  const CallId id = connection.id();
  // What fails at once is told by the next poll: epoll reports the broken socket.
  if (!connection.is_connecting) {
    send_some(connection);
    set_interest(connection);
  }
  return id;
}

HttpLoop::Connection* HttpLoop::find(CallId id) {
  const uint64_t slot = id >> 32;
  if (slot >= connections_.size()) return nullptr;
  Connection& connection = *connections_[slot];
  return connection.exchange != nullptr && connection.id() == id ? &connection : nullptr;
}

void HttpLoop::abandon(CallId id) {
  Connection* connection = find(id);
  if (connection == nullptr) return;
  connection->exchange = nullptr;
  --num_calls_;
  close_socket(*connection);
}

void HttpLoop::set_reading(CallId id, bool is_reading) {
  Connection* connection = find(id);
  if (connection == nullptr) return;
  connection->is_reading = is_reading;
  set_interest(*connection);
}

void HttpLoop::close_socket(Connection& connection) {
  if (connection.fd < 0) return;
  ::close(connection.fd);  // epoll forgets it
  connection.fd = -1;
  connection.is_alone = false;
  --num_connections_;
  if (&connection != receiving_) closed_.push_back(connection.slot);
}

void HttpLoop::poll(double seconds) {
  std::array<epoll_event, kMaxEvents> events;
  const int timeout = seconds < 0.0 ? -1 : static_cast<int>(std::min(seconds * 1e3, 1e6));
  const int num_events = ::epoll_wait(epoll_, events.data(), kMaxEvents, timeout);
  for (int i = 0; i < num_events; ++i) {
    const uint64_t key = events[i].data.u64;
    Connection& connection = *connections_[key >> 32];
    const bool is_this_socket = connection.socket_serial == static_cast<uint32_t>(key);
    if (connection.fd >= 0 && is_this_socket) handle(connection, events[i].events);
  }
}

void HttpLoop::handle(Connection& connection, uint32_t events) {
  if (connection.is_connecting) {
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(connection.fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) {
      return on_close(
          connection, fmt::format("cannot connect: {}", std::strerror(error)), monotonic_time()
      );
    }
    if ((events & EPOLLOUT) == 0) return;
    connection.is_connecting = false;
  }
  const uint32_t socket_serial = connection.socket_serial;
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) receive_some(connection);
  const bool is_open = connection.fd >= 0 && connection.socket_serial == socket_serial;
  if (!is_open) return;
  if (connection.exchange != nullptr) send_some(connection);
  set_interest(connection);
}

void HttpLoop::send_some(Connection& connection) {
  while (connection.num_sent < connection.request.size()) {
    const std::string_view rest = connection.request.substr(connection.num_sent);
    const ssize_t sent = ::send(connection.fd, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    // A broken connection is noticed by reading: the server may have said why.
    if (sent < 0) return;
    connection.num_sent += static_cast<size_t>(sent);
  }
}

void HttpLoop::receive_some(Connection& connection) {
  const ssize_t received = ::recv(connection.fd, buffer_.data(), buffer_.size(), 0);
  if (received < 0 && (errno == EAGAIN || errno == EINTR)) return;
  const double now = monotonic_time();
  if (received <= 0) {
    const std::string why = received == 0 ? "the server closed the connection"
                                          : fmt::format("receiving: {}", std::strerror(errno));
    return on_close(connection, why, now);
  }
  num_bytes_received_ += received;
  take_bytes(connection, {buffer_.data(), static_cast<size_t>(received)}, now);
}

void HttpLoop::take_bytes(Connection& connection, std::string_view bytes, double now) {
  if (connection.exchange == nullptr) {  // nobody asked
    std::erase(kept_, connection.slot);
    return close_socket(connection);
  }
  connection.has_received = true;
  const CallId id = connection.id();
  const auto is_still_wanted = [&] { return connection.exchange && connection.id() == id; };
  const auto hand_out = [&](std::string_view piece) {
    if (is_still_wanted()) connection.exchange->on_body(connection.response, piece, now);
  };
  receiving_ = &connection;
  const size_t num_taken = connection.response.feed(bytes, hand_out);
  receiving_ = nullptr;
  if (!is_still_wanted()) return closed_.push_back(connection.slot);  // it was abandoned
  if (connection.response.error()) {
    end_call(connection, *connection.response.error(), now);
  } else if (connection.response.is_complete()) {
    const bool has_more = num_taken < bytes.size();
    end_call(connection, has_more ? "more bytes follow the end of the response" : "", now);
  }
}

void HttpLoop::on_close(Connection& connection, const std::string& why, double now) {
  if (connection.exchange == nullptr) {
    std::erase(kept_, connection.slot);
    return close_socket(connection);
  }
  if (connection.response.finish_at_close()) return end_call(connection, "", now);
  const bool was_kept_too_long = connection.has_served && !connection.has_received;
  if (!was_kept_too_long) return end_call(connection, why, now);
  if (!reopen(connection)) end_call(connection, why, now);
}

// False: there is no socket for it.
bool HttpLoop::reopen(Connection& connection) {
  const int old = connection.fd;
  try {
    open_socket(connection, 0);
  } catch (const EnvironmentError&) {
    return false;
  }
  ::close(old);
  connection.num_sent = 0;
  return true;
}

void HttpLoop::end_call(Connection& connection, const std::string& error, double now) {
  Exchange& exchange = *connection.exchange;
  connection.exchange = nullptr;
  connection.has_served = true;
  --num_calls_;
  const bool was_sent = connection.num_sent == connection.request.size();
  const bool is_kept = error.empty() && connection.response.keeps_alive() && !connection.is_alone;
  // Moved out: the exchange may start its next call on this very connection.
  const HttpResponseParser response = connection.response;
  if (is_kept && was_sent) {
    kept_.push_back(connection.slot);
  } else {
    close_socket(connection);
  }
  exchange.on_end(response, error, now);
}

}  // namespace quire::client
