#pragma once

#include <memory>
#include <optional>
#include <string>

#include "quire/async_engine.h"
#include "server/handler.h"
#include "server/requests/truncation.h"
#include "server/server_state.h"

namespace quire::server {

// Shortens the prompt's token ids, and its text with them. `max_tokens`: of the output. Throws
// InvalidArgument "truncate_prompt_tokens" for more than the model takes.
void truncate_prompt(
    const ServerState& state,
    const Truncation& truncation,
    std::optional<int> max_tokens,
    Prompt& prompt
);

// The output tokens that a request gets: what it wishes, else `otherwise` or what the model's
// length leaves, but never more than generation_config.json allows. Throws InvalidArgument when
// prompt and wish are longer than the model.
int resolve_max_tokens(
    const ServerState& state,
    size_t num_prompt_tokens,
    std::optional<int> wished,
    std::optional<int> otherwise = std::nullopt
);

struct RequestIds {
  std::string answer;  // which the client sees
  std::string engine;
};

// Hands a request to the engine. Calls with an engine's id that is in use get a longer one: clients
// choose their ids, and may choose badly. Throws InvalidArgument.
std::shared_ptr<RequestStream> add_request(
    const ServerState& state,
    const RequestIds& ids,
    const Prompt& prompt,
    const SamplingParams& params,
    int priority,
    const CallContext& context
);

// Ends the requests of the answer with this id, and the engine's request with it.
void abort_requests(const ServerState& state, const std::string& id);

}  // namespace quire::server
