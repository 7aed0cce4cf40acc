#pragma once

#include <vector>

#include "server/handler.h"
#include "server/server_state.h"

namespace quire::server {

// What an operator does to the engine: /reset_prefix_cache, /abort_requests, /pause, /resume,
// /is_paused, /sleep, /wake_up, /is_sleeping, /server_info. None of them without
// ServerConfig::enable_dev_endpoints, because whoever reaches the server may call them.
std::vector<Route> make_dev_routes(const ServerState& state);

}  // namespace quire::server
