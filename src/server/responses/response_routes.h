#pragma once

#include <memory>
#include <vector>

#include "server/handler.h"
#include "server/responses/response_store.h"
#include "server/server_state.h"

namespace quire::server {

// POST /v1/responses, GET /v1/responses/{id}, POST /v1/responses/{id}/cancel. Without a store the
// last two and previous_response_id are refused.
std::vector<Route> make_responses_routes(
    const ServerState& state, std::shared_ptr<ResponseStore> store = nullptr
);

// As large as a server keeps it; nullptr unless VLLM_ENABLE_RESPONSES_API_STORE is set.
std::shared_ptr<ResponseStore> make_response_store();

}  // namespace quire::server
