#include "server/server.h"

#include <chrono>
#include <csignal>
#include <thread>

#include "base/env.h"
#include "base/log.h"
#include "server/http_server.h"
#include "server/monitored_routes.h"
#include "server/monitoring.h"
#include "server/routes.h"
#include "server/server_state.h"

namespace quire {
namespace {

constexpr auto kLook = std::chrono::milliseconds(50);  // how often for signals and a dead engine

volatile std::sig_atomic_t num_signals = 0;

// Takes SIGINT and SIGTERM while it lives; the second one has its old effect.
class SignalGuard {
 public:
  SignalGuard() {
    struct sigaction action = {};
    action.sa_handler = [](int) { num_signals = num_signals + 1; };
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, &old_interrupt_);
    sigaction(SIGTERM, &action, &old_terminate_);
  }
  ~SignalGuard() {
    sigaction(SIGINT, &old_interrupt_, nullptr);
    sigaction(SIGTERM, &old_terminate_, nullptr);
  }
  SignalGuard(const SignalGuard&) = delete;
  SignalGuard& operator=(const SignalGuard&) = delete;

 private:
  struct sigaction old_interrupt_ = {};
  struct sigaction old_terminate_ = {};
};

}  // namespace

struct Server::Impl {
  Impl(const ServerConfig& given, AsyncEngine& engine, const std::string& model)
      : config(given),
        state(server::make_server_state(engine, config, model)),
        monitoring(engine, config),
        http(config, server::monitor_routes(server::make_routes(state), monitoring)) {}

  const ServerConfig config;
  server::ServerState state;
  server::Monitoring monitoring;
  server::HttpServer http;
};

Server::Server(const ServerConfig& config, AsyncEngine& engine, const std::string& model)
    : impl_(std::make_unique<Impl>(config, engine, model)) {}

Server::~Server() = default;

int Server::port() const {
  return impl_->http.port();
}

std::string Server::address() const {
  return impl_->http.address();
}

void Server::shutdown() {
  impl_->http.drain();
}

void Server::wait() {
  impl_->http.wait(impl_->config.shutdown_timeout);
}

int run_server(const ServerConfig& config, const EngineConfig& given_engine_config) {
  set_log_format(config.log_format == "json" ? LogFormat::kJson : LogFormat::kText);
  EngineConfig engine_config = given_engine_config;
  if (!config.served_model_name.empty()) {
    engine_config.served_model_name = config.served_model_name.front();
  }
  AsyncEngine engine(engine_config, UsageContext::kServer);
  Server server(config, engine, engine_config.model);
  num_signals = 0;
  const SignalGuard signals;
  QUIRE_LOG_INFO("Serving on {} (press Ctrl-C to stop).", server.address());
  const bool outlives_engine = env::keep_alive_on_engine_death();
  while (num_signals == 0 && (outlives_engine || !engine.dead_reason()))
    std::this_thread::sleep_for(kLook);
  const bool has_died = engine.dead_reason().has_value();
  QUIRE_LOG_INFO(has_died ? "The engine has died; shutting down." : "Shutting down.");
  server.shutdown();
  server.wait();
  engine.shutdown();
  QUIRE_LOG_INFO("Stopped.");
  return has_died ? 1 : 0;
}

}  // namespace quire
