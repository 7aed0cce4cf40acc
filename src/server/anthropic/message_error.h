#pragma once

#include <exception>
#include <string>
#include <string_view>

#include "server/http_message.h"

namespace quire::server {

// {"type": "error", "error": {"type", "message"}, "request_id"}: errors as Anthropic's clients know
// them. The type follows from the status.
std::string message_error_json(int status, std::string_view message, const std::string& request_id);
HttpResponse message_error_response(const std::exception& error, const std::string& request_id);

}  // namespace quire::server
