#pragma once

#include <vector>

#include "server/handler.h"
#include "server/server_state.h"

namespace quire::server {

// Every endpoint of the server. `state` outlives them.
std::vector<Route> make_routes(ServerState& state);

}  // namespace quire::server
