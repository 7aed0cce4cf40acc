#pragma once

#include "server/http_message.h"
#include "server/requests/request_body.h"
#include "server/server_state.h"

namespace quire::server {

// A text or a conversation as token ids. Each throws InvalidArgument or ApiError.
HttpResponse tokenize(
    const ServerState& state, const HttpRequest& request, UnknownFields& unknown_fields
);
HttpResponse detokenize(
    const ServerState& state, const HttpRequest& request, UnknownFields& unknown_fields
);
HttpResponse tokenizer_info(const ServerState& state);

}  // namespace quire::server
