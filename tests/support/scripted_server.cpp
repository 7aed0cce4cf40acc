#include "support/scripted_server.h"

#include <optional>
#include <stdexcept>

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace quire::test {
namespace {

// Reads one request; nullopt: the client is gone. `rest` keeps what follows it.
std::optional<ScriptedRequest> read_request(int fd, std::string& rest) {
  const auto read_more = [&] {
    char buffer[16384];
    const ssize_t received = ::recv(fd, buffer, sizeof buffer, 0);
    if (received > 0) rest.append(buffer, static_cast<size_t>(received));
    return received > 0;
  };
  while (rest.find("\r\n\r\n") == std::string::npos) {
    if (!read_more()) return std::nullopt;
  }
  const size_t head_end = rest.find("\r\n\r\n") + 4;
  ScriptedRequest request;
  request.head = rest.substr(0, head_end);
  const size_t space = request.head.find(' ');
  request.method = request.head.substr(0, space);
  request.target = request.head.substr(space + 1, request.head.find(' ', space + 1) - space - 1);
  const size_t length_at = request.head.find("Content-Length: ");
  const size_t length =
      length_at == std::string::npos ? 0 : std::stoul(request.head.substr(length_at + 16));
  while (rest.size() < head_end + length) {
    if (!read_more()) return std::nullopt;
  }
  request.body = rest.substr(head_end, length);
  rest.erase(0, head_end + length);
  return request;
}

}  // namespace

ScriptedServer::ScriptedServer(Script script) : script_(std::move(script)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener_, generic, size) < 0 || ::listen(listener_, 1024) < 0 ||
      ::getsockname(listener_, generic, &size) < 0) {
    throw std::runtime_error("no port of the loopback");
  }
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_all(); });
}

ScriptedServer::~ScriptedServer() {
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  {
    std::lock_guard lock(mutex_);
    for (const int fd : open_)
      ::shutdown(fd, SHUT_RDWR);
  }
  for (std::thread& thread : threads_)
    thread.join();
  ::close(listener_);
}

std::string ScriptedServer::url() const {
  return fmt::format("http://127.0.0.1:{}", port_);
}

std::vector<ScriptedRequest> ScriptedServer::requests() const {
  std::lock_guard lock(mutex_);
  return requests_;
}

void ScriptedServer::accept_all() {
  while (true) {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    ++num_connections_;
    std::lock_guard lock(mutex_);
    open_.push_back(fd);
    threads_.emplace_back([this, fd] { serve(fd); });
  }
}

void ScriptedServer::serve(int fd) {
  std::string rest;
  while (auto request = read_request(fd, rest)) {
    {
      std::lock_guard lock(mutex_);
      requests_.push_back(*request);
    }
    const ScriptedResponse response = script_(*request);
    std::string_view bytes = response.bytes;
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) break;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    if (response.closes || !bytes.empty()) break;
  }
  std::lock_guard lock(mutex_);
  std::erase(open_, fd);
  ::close(fd);
}

std::string http_response(int status, const std::string& body, const std::string& content_type) {
  return fmt::format(
      "HTTP/1.1 {} X\r\nContent-Type: {}\r\nContent-Length: {}\r\n\r\n{}",
      status,
      content_type,
      body.size(),
      body
  );
}

std::string chunk(const std::string& bytes) {
  return fmt::format("{:x}\r\n{}\r\n", bytes.size(), bytes);
}

std::string sse_response(const std::vector<std::string>& events) {
  std::string bytes =
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
      "Transfer-Encoding: chunked\r\n\r\n";
  for (const std::string& event : events)
    bytes += chunk("data: " + event + "\n\n");
  return bytes + "0\r\n\r\n";
}

std::string completion_stream(int num_prompt_tokens, int num_tokens) {
  std::vector<std::string> events;
  for (int i = 0; i < num_tokens; ++i) {
    events.push_back(fmt::format(
        R"({{"id":"cmpl-1","choices":[{{"index":0,"text":"t{} ","finish_reason":{}}}]}})",
        i,
        i + 1 == num_tokens ? "\"length\"" : "null"
    ));
  }
  events.push_back(fmt::format(
      R"({{"id":"cmpl-1","choices":[],"usage":{{"prompt_tokens":{},"completion_tokens":{}}}}})",
      num_prompt_tokens,
      num_tokens
  ));
  events.emplace_back("[DONE]");
  return sse_response(events);
}

}  // namespace quire::test
