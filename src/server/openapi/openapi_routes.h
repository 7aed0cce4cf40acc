#pragma once

#include <vector>

#include "server/handler.h"
#include "server/server_state.h"

namespace quire::server {

// GET /openapi.json, /docs and /redoc; none with disable_fastapi_docs.
std::vector<Route> make_openapi_routes(const ServerState& state);

}  // namespace quire::server
