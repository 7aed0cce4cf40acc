#pragma once

#include <vector>

#include "server/handler.h"

namespace quire::server {

// Endpoints of vLLM that this server has no models for: 404 with a sentence that says what to use.
std::vector<Route> make_unserved_routes();

}  // namespace quire::server
