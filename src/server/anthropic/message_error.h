#pragma once

#include <string>
#include <string_view>

#include "server/api_error.h"

namespace quire::server {

// {"type": "error", "error": {"type", "message"}, "request_id"}: an ErrorFormat, errors as
// Anthropic's clients know them. The type follows from the status.
std::string message_error(const ErrorInfo& error, std::string_view request_id);

}  // namespace quire::server
