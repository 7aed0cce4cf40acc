#pragma once

#include <string>
#include <string_view>

#include "quire/chat_template.h"

namespace quire {

// Messages as a chat template wants them, from a JSON array as a client sends them:
// - content is a string or a list of text parts; it becomes what `format` says (parts are joined by
//   newlines, null and none are no text);
// - arguments of tool calls, which clients send as text, become the JSON they hold, {} for none; an
//   empty list of calls is left out;
// - reasoning and reasoning_content get each other's name too;
// - other nulls are left out.
// Everything else passes through. Throws InvalidArgument, with the place as its field, such as
// "messages[2].tool_calls[0].function.arguments", for contents that are not text and arguments that
// are no JSON.
std::string messages_for_template(std::string_view messages_json, ContentFormat format);

// The text of the last message.
std::string final_message_text(std::string_view messages_json);

}  // namespace quire
