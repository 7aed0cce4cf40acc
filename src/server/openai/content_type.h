#pragma once

#include "server/http_message.h"

namespace quire::server {

// Throws ApiError 400 unless the request says that its body is JSON.
void check_content_type(const HttpRequest& request);

}  // namespace quire::server
