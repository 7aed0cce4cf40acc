#pragma once

#include <atomic>
#include <string>
#include <vector>

#include <sys/types.h>

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

// The file of a unix socket, removed with its owner. Another server's, which has taken the path
// meanwhile, stays.
class SocketFile {
 public:
  explicit SocketFile(std::string path);  // where a socket was bound just now
  ~SocketFile() { remove(); }
  SocketFile(const SocketFile&) = delete;
  SocketFile& operator=(const SocketFile&) = delete;

  // From any thread. While the socket listens still: once it does not, the next server takes the
  // file for one that a dead server left.
  void remove();

 private:
  const std::string path_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
  std::atomic<bool> is_there_;
};

// [api_server_count] The sockets of each io thread: one for every address that the host has, or the
// unix socket that they share. Throws EnvironmentError (in use, not allowed) or InvalidArgument (no
// such host, port or path).
std::vector<std::vector<ListeningSocket>> open_listening_sockets(const ServerConfig& config);

}  // namespace quire::server
