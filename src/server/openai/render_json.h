#pragma once

#include "server/openai/serving.h"

namespace quire::server {

// What would go to the engine, without a generation: token ids and sampling params.
HttpResponse render_completion_json(
    const ServerState& state, const CompletionRequest& request, const HttpRequest& http
);
HttpResponse render_chat_json(
    const ServerState& state, const ChatRequest& request, const HttpRequest& http
);

}  // namespace quire::server
