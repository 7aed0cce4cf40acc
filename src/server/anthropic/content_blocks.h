#pragma once

#include "server/chat_messages_writer.h"
#include "server/request_fields.h"

namespace quire::server {

// Add what a call of /v1/messages says to a conversation. Throw InvalidArgument with the path of
// the block for what is missing, of the wrong type, or not text.
void add_system(ChatMessagesWriter& messages, const RequestFields& body);  // `system`, if given
void add_messages(ChatMessagesWriter& messages, const RequestFields& body);  // `messages`

}  // namespace quire::server
