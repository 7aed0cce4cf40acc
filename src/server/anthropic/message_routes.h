#pragma once

#include <vector>

#include "server/handler.h"
#include "server/server_state.h"

namespace quire::server {

// POST /v1/messages and /v1/messages/count_tokens, as Anthropic's clients call them. Their errors
// have Anthropic's shape.
std::vector<Route> make_messages_routes(const ServerState& state);

}  // namespace quire::server
