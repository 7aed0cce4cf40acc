#include "server/listening_socket.h"

#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "quire/error.h"

namespace quire::server {
namespace {

constexpr int kBacklog = 4096;
constexpr int kMaxUnsentBytes = 128 << 10;
constexpr int kMaxPort = 65535;

[[noreturn]] void fail(const std::string& where) {
  throw EnvironmentError(fmt::format("Cannot listen on {}: {}.", where, std::strerror(errno)));
}

void set_option(int fd, int level, int option, int value) {
  if (::setsockopt(fd, level, option, &value, sizeof(value)) != 0)
    throw EnvironmentError(fmt::format("Cannot set up a socket: {}.", std::strerror(errno)));
}

using Addresses = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

Addresses resolve(const char* host) {
  addrinfo hints = {};
  hints.ai_flags = AI_PASSIVE;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int code = ::getaddrinfo(host, nullptr, &hints, &found); code != 0) {
    throw InvalidArgument("host", fmt::format("host '{}': {}.", host, ::gai_strerror(code)));
  }
  return {found, &::freeaddrinfo};
}

std::string place(int port, const ServerConfig& config) {
  return fmt::format("{}:{}", config.host.value_or("*"), port);
}

// nullopt: this machine has no such address, as errno says.
std::optional<ListeningSocket> listen_tcp(
    const addrinfo& address, int port, const ServerConfig& config
) {
  const int fd = ::socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const std::string where = place(port, config);
  if (fd < 0 && errno == EAFNOSUPPORT) return std::nullopt;
  if (fd < 0) fail(where);
  ListeningSocket socket(fd, address.ai_family);
  set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  // Alone, a server wants to hear that its port is taken.
  if (config.api_server_count > 1) set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
  // All addresses are those of both families, through one socket.
  if (address.ai_family == AF_INET6) set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, config.host ? 1 : 0);
  // Accepted sockets inherit these. What a slow client has not taken waits in the engine, where it
  // can be dropped, and not by the megabyte in the kernel.
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, kMaxUnsentBytes);
  sockaddr_storage name = {};
  std::memcpy(&name, address.ai_addr, address.ai_addrlen);
  const auto network_port = htons(static_cast<uint16_t>(port));
  if (address.ai_family == AF_INET6) {
    reinterpret_cast<sockaddr_in6&>(name).sin6_port = network_port;
  } else {
    reinterpret_cast<sockaddr_in&>(name).sin_port = network_port;
  }
  if (::bind(fd, reinterpret_cast<sockaddr*>(&name), address.ai_addrlen) != 0) {
    if (errno == EADDRNOTAVAIL) return std::nullopt;
    fail(where);
  }
  if (::listen(fd, kBacklog) != 0) fail(where);
  return socket;
}

bool has_ipv6() {
  const int fd = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  sockaddr_in6 any = {};
  any.sin6_family = AF_INET6;
  const bool is_usable = ::bind(fd, reinterpret_cast<sockaddr*>(&any), sizeof(any)) == 0;
  ::close(fd);
  return is_usable;
}

std::vector<ListeningSocket> listen_on_host(int port, const ServerConfig& config) {
  std::vector<ListeningSocket> sockets;
  const char* const any = has_ipv6() ? "::" : "0.0.0.0";
  const bool has_host = config.host && !config.host->empty();
  const Addresses addresses = resolve(has_host ? config.host->c_str() : any);
  for (const addrinfo* address = addresses.get(); address != nullptr; address = address->ai_next) {
    if (address->ai_family != AF_INET && address->ai_family != AF_INET6) continue;
    // All addresses of one host have the same port. Some may be absent, such as localhost's ::1
    // where IPv6 is off.
    auto socket = listen_tcp(*address, sockets.empty() ? port : sockets[0].port(), config);
    if (socket) sockets.push_back(std::move(*socket));
  }
  if (sockets.empty()) fail(place(port, config));
  return sockets;
}

// A socket file that nobody listens on is what a server that was killed left behind.
void remove_stale_socket(const sockaddr_un& name) {
  struct stat status = {};
  if (::lstat(name.sun_path, &status) != 0 || !S_ISSOCK(status.st_mode)) return;
  const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (probe < 0) return;
  const bool is_dead =
      ::connect(probe, reinterpret_cast<const sockaddr*>(&name), sizeof(name)) != 0 &&
      errno == ECONNREFUSED;
  ::close(probe);
  if (is_dead) ::unlink(name.sun_path);
}

ListeningSocket listen_on_path(const std::string& path) {
  sockaddr_un name = {};
  name.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(name.sun_path)) {
    throw InvalidArgument(
        "uds",
        fmt::format("The path of a unix socket has 1 to {} bytes.", sizeof(name.sun_path) - 1)
    );
  }
  std::memcpy(name.sun_path, path.c_str(), path.size());
  remove_stale_socket(name);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) fail(path);
  ListeningSocket socket(fd, AF_UNIX);
  if (::bind(fd, reinterpret_cast<sockaddr*>(&name), sizeof(name)) != 0) fail(path);
  if (::listen(fd, kBacklog) != 0) fail(path);
  return socket;
}

}  // namespace

ListeningSocket::~ListeningSocket() {
  if (fd_ >= 0) ::close(fd_);
}

ListeningSocket::ListeningSocket(ListeningSocket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), family_(other.family_) {}

int ListeningSocket::port() const {
  sockaddr_storage name = {};
  socklen_t size = sizeof(name);
  if (::getsockname(fd_, reinterpret_cast<sockaddr*>(&name), &size) != 0) return 0;
  if (name.ss_family == AF_INET6) return ntohs(reinterpret_cast<sockaddr_in6&>(name).sin6_port);
  if (name.ss_family == AF_INET) return ntohs(reinterpret_cast<sockaddr_in&>(name).sin_port);
  return 0;
}

int ListeningSocket::release() {
  return std::exchange(fd_, -1);
}

ListeningSocket ListeningSocket::duplicate() const {
  const int fd = ::fcntl(fd_, F_DUPFD_CLOEXEC, 0);
  if (fd < 0) fail("a second thread's socket");
  return {fd, family_};
}

SocketFile::SocketFile(std::string path) : path_(std::move(path)) {
  struct stat status = {};
  is_there_ = ::lstat(path_.c_str(), &status) == 0;
  device_ = status.st_dev;
  inode_ = status.st_ino;
}

void SocketFile::remove() {
  if (!is_there_.exchange(false)) return;
  struct stat status = {};
  if (::lstat(path_.c_str(), &status) != 0) return;
  if (status.st_dev == device_ && status.st_ino == inode_) ::unlink(path_.c_str());
}

std::vector<std::vector<ListeningSocket>> open_listening_sockets(const ServerConfig& config) {
  if (config.port < 0 || config.port > kMaxPort)
    throw InvalidArgument("port", fmt::format("port={} is not in 0 to {}.", config.port, kMaxPort));
  std::vector<std::vector<ListeningSocket>> of_threads;
  int port = config.port;
  for (int thread = 0; thread < config.api_server_count; ++thread) {
    std::vector<ListeningSocket> sockets;
    if (!config.uds) {
      sockets = listen_on_host(port, config);
      port = sockets.front().port();
    } else if (thread == 0) {
      sockets.push_back(listen_on_path(*config.uds));
    } else {
      sockets.push_back(of_threads.front().front().duplicate());
    }
    of_threads.push_back(std::move(sockets));
  }
  return of_threads;
}

}  // namespace quire::server
