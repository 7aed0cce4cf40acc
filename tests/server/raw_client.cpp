#include "server/raw_client.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <utility>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "server/header_text.h"

namespace quire::test {
namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void fail(const char* what) {
  throw std::runtime_error(fmt::format("{}: {}", what, std::strerror(errno)));
}

}  // namespace

RawClient::RawClient(int port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  if (fd_ < 0) fail("socket");
  sockaddr_in name = {};
  name.sin_family = AF_INET;
  name.sin_port = htons(static_cast<uint16_t>(port));
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd_, reinterpret_cast<sockaddr*>(&name), sizeof(name)) != 0) {
    ::close(fd_);
    fail("connect");
  }
}

RawClient::RawClient(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_STREAM, 0)) {
  sockaddr_un name = {};
  name.sun_family = AF_UNIX;
  std::memcpy(name.sun_path, path.c_str(), std::min(path.size(), sizeof(name.sun_path) - 1));
  if (::connect(fd_, reinterpret_cast<sockaddr*>(&name), sizeof(name)) != 0) {
    ::close(fd_);
    fail("connect");
  }
}

RawClient RawClient::over(int fd) {
  RawClient client;
  client.fd_ = fd;
  return client;
}

RawClient::~RawClient() {
  if (fd_ >= 0) ::close(fd_);
}

RawClient::RawClient(RawClient&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      received_(std::move(other.received_)),
      has_ended_(other.has_ended_) {}

void RawClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0) fail("send");
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
}

size_t RawClient::send_some(std::string_view bytes) {
  const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  return sent < 0 ? 0 : static_cast<size_t>(sent);
}

void RawClient::end_sending() {
  ::shutdown(fd_, SHUT_WR);
}

void RawClient::reset() {
  const linger at_once = {.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  ::close(std::exchange(fd_, -1));
}

void RawClient::shrink_receive_buffer() {
  const int size = 64 << 10;
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
}

bool RawClient::read_more(Clock::time_point deadline) {
  if (has_ended_) return false;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
  pollfd socket = {.fd = fd_, .events = POLLIN, .revents = 0};
  if (::poll(&socket, 1, static_cast<int>(std::max<int64_t>(left.count(), 0))) <= 0) return false;
  char buffer[65536];
  const ssize_t num_bytes = ::recv(fd_, buffer, sizeof(buffer), 0);
  has_ended_ = num_bytes <= 0;
  if (!has_ended_) received_.append(buffer, static_cast<size_t>(num_bytes));
  return !has_ended_;
}

std::string RawClient::take(size_t num_bytes) {
  std::string taken = received_.substr(0, num_bytes);
  received_.erase(0, taken.size());
  return taken;
}

std::string RawClient::read_all(std::chrono::milliseconds timeout) {
  const auto deadline = Clock::now() + timeout;
  while (read_more(deadline)) {
  }
  return take(received_.size());
}

std::string RawClient::read_until(std::string_view text, std::chrono::milliseconds timeout) {
  const auto deadline = Clock::now() + timeout;
  while (received_.find(text) == std::string::npos) {
    if (!read_more(deadline)) return take(received_.size());
  }
  return take(received_.find(text) + text.size());
}

std::string RawClient::read_response() {
  std::string response = read_until("\r\n\r\n");
  const std::string length = header_of(response, "content-length");
  if (length.empty()) return response;
  const auto deadline = Clock::now() + std::chrono::seconds(5);
  const auto size = static_cast<size_t>(std::atoll(length.c_str()));
  while (received_.size() < size && read_more(deadline)) {
  }
  return response + take(size);
}

bool RawClient::is_closed_within(std::chrono::milliseconds timeout) {
  const auto deadline = Clock::now() + timeout;
  while (read_more(deadline)) {
  }
  return has_ended_;
}

std::string make_request(
    std::string_view method,
    std::string_view path,
    std::string_view body,
    std::string_view more_headers
) {
  std::string request = fmt::format("{} {} HTTP/1.1\r\nHost: test\r\n", method, path);
  request += more_headers;
  if (!body.empty())
    request += fmt::format("Content-Type: application/json\r\nContent-Length: {}\r\n", body.size());
  return fmt::format("{}\r\n{}", request, body);
}

int status_of(std::string_view response) {
  if (!response.starts_with("HTTP/1.1 ")) return 0;
  return std::atoi(std::string(response.substr(9, 3)).c_str());
}

std::string body_of(std::string_view response) {
  const size_t end = response.find("\r\n\r\n");
  return end == std::string_view::npos ? "" : std::string(response.substr(end + 4));
}

std::string header_of(std::string_view response, std::string_view name) {
  std::string_view head = response.substr(0, response.find("\r\n\r\n"));
  while (!head.empty()) {
    const std::string_view line = head.substr(0, head.find("\r\n"));
    head.remove_prefix(std::min(line.size() + 2, head.size()));
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    if (server::equals_ignoring_case(line.substr(0, colon), name))
      return std::string(server::trim(line.substr(colon + 1)));
  }
  return "";
}

}  // namespace quire::test
