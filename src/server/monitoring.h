#pragma once

#include <atomic>

#include "quire/async_engine.h"
#include "quire/server_config.h"
#include "server/admission.h"
#include "server/http_metrics.h"
#include "server/watchdog.h"

namespace quire::server {

// What the server knows of its own work, and what watches the engine. Both outlive it.
struct Monitoring {
  // `config` is valid.
  Monitoring(AsyncEngine& engine, const ServerConfig& config);

  AsyncEngine& engine;
  const ServerConfig& config;
  HttpMetrics http;
  Admission admission;
  Watchdog watchdog;
  std::atomic<int> num_generations = 0;  // that are being answered
};

// Why the engine cannot serve: it has died, or it is stuck.
std::optional<std::string> health_problem(const Monitoring& monitoring);

}  // namespace quire::server
