#pragma once

#include <memory>
#include <string>

#include "quire/async_engine.h"
#include "quire/engine_config.h"
#include "quire/server_config.h"

namespace quire {

// An OpenAI-compatible HTTP server over an engine.
class Server {
 public:
  // Listens, and serves from here on. `engine` outlives it; `model` is EngineConfig::model, the
  // served name unless the config says another. Throws InvalidArgument (bad option) or
  // EnvironmentError (the address is in use …).
  Server(const ServerConfig& config, AsyncEngine& engine, const std::string& model);
  ~Server();  // ends what still runs
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  int port() const;  // the one it got, for config.port 0
  std::string address() const;  // http://0.0.0.0:8000, or unix:/path

  // From here on no request is accepted; what runs goes on. From any thread; returns at once.
  void shutdown();
  // After shutdown(): waits for what runs, up to shutdown_timeout, then aborts it.
  void wait();
  // After shutdown(): true when nothing runs any more, false after `seconds`.
  [[nodiscard]] bool wait_for(double seconds);
  // After shutdown(): what runs ends with an error.
  void abort();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The endpoints of a server without its sockets.
class InprocServer {
 public:
  // As Server's; the options about sockets mean nothing here.
  InprocServer(const ServerConfig& config, AsyncEngine& engine, const std::string& model);
  ~InprocServer();
  InprocServer(const InprocServer&) = delete;
  InprocServer& operator=(const InprocServer&) = delete;

  struct Response {
    int status = 200;
    std::string body;  // JSON; of an error too
    std::string request_id;  // the one that the endpoint saw
  };
  // One POST with a JSON body. Waits for the whole answer; from any thread. A request for a stream
  // is answered with status 400.
  Response post(const std::string& path, const std::string& body) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Loads the model, serves it until SIGINT or SIGTERM, and drains. A second signal ends what runs at
// once. Returns the exit code: 0, or 1 when the engine died. Throws as Server and AsyncEngine do.
int run_server(const ServerConfig& config, const EngineConfig& engine_config);

}  // namespace quire
