#pragma once

#include <functional>

#include <boost/asio/basic_socket_acceptor.hpp>

#include "server/asio_types.h"
#include "server/listening_socket.h"

namespace quire::server {

// Accepts connections. Out of file descriptors or memory it rests, so that those who wait stay in
// the kernel's queue, and tries again.
class Listener {
 public:
  using OnAccept = std::function<void(Socket)>;
  Listener(asio::io_context& io, ListeningSocket socket, OnAccept on_accept);

  void start();
  void stop();  // closes the socket; the listener lives until the io context has run dry

 private:
  void rest(const ErrorCode& why);

  asio::basic_socket_acceptor<Protocol, Executor> acceptor_;
  Timer rest_timer_;
  OnAccept on_accept_;
  bool is_resting_ = false;
};

}  // namespace quire::server
