#pragma once

#include <string>
#include <vector>

#include "quire/async_engine.h"
#include "quire/server_config.h"

namespace quire::server {

// What all endpoints share; it outlives their routes.
struct ServerState {
  AsyncEngine& engine;
  const ServerConfig& config;
  std::vector<std::string> model_names;  // at least one; answers carry the first
};

}  // namespace quire::server
