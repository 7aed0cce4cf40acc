#include "server/listener.h"

#include <chrono>
#include <utility>

#include <netinet/in.h>
#include <sys/socket.h>

#include "base/log.h"

namespace quire::server {
namespace {

constexpr auto kRest = std::chrono::milliseconds(20);

// Errors of the machine; all others are of one connection, which is gone.
bool is_exhaustion(const ErrorCode& error) {
  const int code = error.value();
  return code == EMFILE || code == ENFILE || code == ENOBUFS || code == ENOMEM;
}

}  // namespace

Listener::Listener(asio::io_context& io, ListeningSocket socket, OnAccept on_accept)
    : acceptor_(io), rest_timer_(io), on_accept_(std::move(on_accept)) {
  const int family = socket.family();
  acceptor_.assign(Protocol(family, family == AF_UNIX ? 0 : IPPROTO_TCP), socket.release());
}

void Listener::start() {
  acceptor_.async_accept([this](const ErrorCode& error, Socket socket) {
    if (!acceptor_.is_open()) return;
    if (is_exhaustion(error)) return rest(error);
    if (!error) {
      if (std::exchange(is_resting_, false)) QUIRE_LOG_INFO("Connections are accepted again.");
      on_accept_(std::move(socket));
    }
    start();
  });
}

void Listener::rest(const ErrorCode& why) {
  if (!std::exchange(is_resting_, true)) {
    QUIRE_LOG_WARN("No new connections are accepted for now: {}.", why.message());
  }
  rest_timer_.expires_after(kRest);
  rest_timer_.async_wait([this](const ErrorCode& cancelled) {
    if (!cancelled && acceptor_.is_open()) start();
  });
}

void Listener::stop() {
  ErrorCode ignored;
  acceptor_.close(ignored);
  rest_timer_.cancel();
}

}  // namespace quire::server
