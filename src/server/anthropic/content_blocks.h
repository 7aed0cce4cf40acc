#pragma once

#include "server/requests/chat_messages_writer.h"
#include "server/requests/request_body.h"

namespace quire::server {

// Add what a call of /v1/messages says to a conversation. Throw InvalidArgument with the path of
// the block for what is missing, of the wrong type, or not text.
void add_system(ChatMessagesWriter& messages, const RequestValue& body);  // `system`, if given
void add_messages(ChatMessagesWriter& messages, const RequestValue& body);  // `messages`

}  // namespace quire::server
