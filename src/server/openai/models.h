#pragma once

#include <string>

#include "server/http_message.h"
#include "server/server_state.h"

namespace quire::server {

HttpResponse list_models(const ServerState& state);

// Throws ApiError 404 for a model that is not served.
HttpResponse retrieve_model(const ServerState& state, const std::string& name);

}  // namespace quire::server
