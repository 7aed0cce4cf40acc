#pragma once

#include <vector>

#include "server/handler.h"
#include "server/monitoring.h"

namespace quire::server {

// The routes, and those of health_routes.h. They now count and time their answers, log what is
// asked and answered where the configuration says so, and tell balancers the load. Those that
// generate turn requests away while too many wait. `monitoring` outlives them.
std::vector<Route> monitor_routes(std::vector<Route> routes, Monitoring& monitoring);

}  // namespace quire::server
