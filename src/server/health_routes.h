#pragma once

#include <vector>

#include "server/handler.h"
#include "server/monitoring.h"

namespace quire::server {

// GET /health, GET and POST /ping, GET /version, GET /load, GET /metrics. `monitoring` outlives
// them.
std::vector<Route> make_health_routes(Monitoring& monitoring);

}  // namespace quire::server
