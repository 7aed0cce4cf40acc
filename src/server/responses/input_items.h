#pragma once

#include <string>

#include "server/requests/chat_messages_writer.h"
#include "server/requests/request_body.h"

namespace quire::server {

// Adds `input` of a request for a response (text, or a list of messages, function calls, their
// outputs and reasoning) to a conversation. Throws InvalidArgument with the path of the item for
// what is missing, of the wrong type, or not text.
void add_input_items(ChatMessagesWriter& messages, const RequestValue& request);

// `tools` in the shape of /v1/chat/completions, as a JSON array; empty: none. Throws
// InvalidArgument for tools that are not functions.
std::string chat_tools_json(const RequestValue& request);

// `tools` as a response shows them, as a JSON array.
std::string response_tools_json(const RequestValue& request);

}  // namespace quire::server
