#include "server/server.h"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <thread>

#include "base/clock.h"
#include "base/env.h"
#include "base/log.h"
#include "base/open_file_limit.h"
#include "server/http_server.h"
#include "server/monitored_routes.h"
#include "server/monitoring.h"
#include "server/routes.h"
#include "server/server_state.h"

namespace quire {
namespace {

// The engine waits for the io threads after so many steps. The events that a stream gets meanwhile
// share a write; it keeps apart twice as many.
constexpr int kStepsPerWait = 8;

constexpr double kLookSeconds = 0.05;  // how often for signals and a dead engine

volatile std::sig_atomic_t num_signals = 0;

// Counts SIGINT and SIGTERM while it lives.
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
        http(config, server::monitor_routes(server::make_routes(state), monitoring)) {
    engine.set_step_listener([this] {
      if (++num_steps % kStepsPerWait == 0) http.wait_for_io();
    });
  }
  ~Impl() { state.engine.set_step_listener({}); }

  const ServerConfig config;
  server::ServerState state;
  server::Monitoring monitoring;
  server::HttpServer http;
  int64_t num_steps = 0;  // of the engine's output thread alone
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

bool Server::wait_for(double seconds) {
  return impl_->http.wait_for(seconds);
}

void Server::wait() {
  if (!wait_for(impl_->config.shutdown_timeout)) abort();
}

void Server::abort() {
  impl_->http.abort();
}

int run_server(const ServerConfig& config, const EngineConfig& given_engine_config) {
  raise_open_file_limit();
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
    std::this_thread::sleep_for(std::chrono::duration<double>(kLookSeconds));
  const bool has_died = engine.dead_reason().has_value();
  QUIRE_LOG_INFO(has_died ? "The engine has died; shutting down." : "Shutting down.");
  server.shutdown();
  const int num_before = num_signals;
  const double end = monotonic_time() + (has_died ? 0.0 : config.shutdown_timeout);
  bool has_drained = server.wait_for(0.0);
  while (!has_drained && num_signals == num_before && monotonic_time() < end)
    has_drained = server.wait_for(kLookSeconds);
  if (!has_drained) server.abort();
  engine.shutdown();
  QUIRE_LOG_INFO("Stopped.");
  return has_died ? 1 : 0;
}

}  // namespace quire
