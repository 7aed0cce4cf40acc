#pragma once

#include <memory>
#include <string>
#include <vector>

#include "quire/server_config.h"
#include "server/handler.h"

namespace quire::server {

// Serves routes over HTTP/1.1. Handlers are called from several threads at once.
class HttpServer {
 public:
  // Listens, and serves from here on. Throws InvalidArgument (certificate, host, limits) or
  // EnvironmentError (the address is in use …).
  HttpServer(const ServerConfig& config, std::vector<Route> routes);
  ~HttpServer();  // ends all connections
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  int port() const;  // 0 for a unix socket
  std::string address() const;  // http://0.0.0.0:8000, or unix:/path

  // Waits until the io threads have seen which streams are readable, a while at most: a step
  // listener of the engine, so that it does not run ahead of the sockets.
  void wait_for_io();

  // From here on no request is accepted; what runs goes on. From any thread; returns at once.
  void drain();
  // After drain(): true when the last connection has ended, false after `seconds`.
  [[nodiscard]] bool wait_for(double seconds);
  // After drain(): tells the clients of what runs that it ends, and ends their connections.
  void abort();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace quire::server
