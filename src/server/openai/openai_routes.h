#pragma once

#include <vector>

#include "server/handler.h"
#include "server/server_state.h"

namespace quire::server {

// /v1/completions, /v1/chat/completions, their /render, /v1/models, /tokenize, /detokenize,
// /invocations, and /tokenizer_info where the configuration has it.
std::vector<Route> make_openai_routes(ServerState& state);

}  // namespace quire::server
