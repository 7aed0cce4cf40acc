#pragma once

#include "server/handler.h"
#include "server/openai/chat_request.h"
#include "server/openai/completion_request.h"
#include "server/server_state.h"

namespace quire::server {

// `prefix` and the header's id, the body's, or a random one.
std::string call_id(const char* prefix, const CommonRequest& request, const HttpRequest& http);

// The prompts of a request, as token ids and shortened, each with the params it gets.
struct RenderedCompletion {
  std::vector<Prompt> prompts;
  std::vector<SamplingParams> params;  // one per prompt
};
RenderedCompletion render_completion(const ServerState& state, const CompletionRequest& request);

// Each hands the request to the engine. Throws InvalidArgument or ApiError.
Reply serve_completion(
    const ServerState& state,
    const CompletionRequest& request,
    const HttpRequest& http,
    const CallContext& context
);
Reply serve_chat(
    const ServerState& state,
    const ChatRequest& request,
    const HttpRequest& http,
    const CallContext& context
);

// The conversation of a request as it goes to the engine.
ChatCall chat_call_of(
    const ServerState& state, const ChatRequest& request, const HttpRequest& http
);

}  // namespace quire::server
