#pragma once

#include <vector>

#include "quire/engine_config.h"
#include "server/handler.h"
#include "server/server_state.h"

namespace quire::server {

// What an operator does to the engine: /reset_prefix_cache, /abort_requests, /pause, /resume,
// /is_paused, /sleep, /wake_up, /is_sleeping, /server_info. None of them without
// ServerConfig::enable_dev_endpoints, because whoever reaches the server may call them.
// `engine_config`, as the engine was made with, outlives them.
std::vector<Route> dev_routes(const ServerState& state, const EngineConfig& engine_config);

}  // namespace quire::server
