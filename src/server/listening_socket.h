#pragma once

#include <vector>

#include "quire/server_config.h"

namespace quire::server {

// A bound and listening file descriptor, closed with its owner.
class ListeningSocket {
 public:
  ListeningSocket(int fd, int family) : fd_(fd), family_(family) {}
  ~ListeningSocket();
  ListeningSocket(ListeningSocket&& other) noexcept;
  ListeningSocket& operator=(ListeningSocket&&) = delete;

  int family() const { return family_; }
  int port() const;  // 0 for a unix socket
  int release();  // the caller closes it
  // The same socket for another thread.
  ListeningSocket duplicate() const;

 private:
  int fd_;  // -1: released
  int family_;
};

// [api_server_count] The sockets of each io thread: one for every address that the host has, or the
// unix socket that they share. Throws EnvironmentError (in use, not allowed) or InvalidArgument (no
// such host, port or path).
std::vector<std::vector<ListeningSocket>> open_listening_sockets(const ServerConfig& config);

}  // namespace quire::server
