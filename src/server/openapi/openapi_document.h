#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "server/server_state.h"

namespace quire::server {

// The files of this folder, frame.json first: the source of the document.
const std::vector<std::string_view>& openapi_parts();

// The OpenAPI 3.1 document of every endpoint that a server with this configuration has. Each part
// is {"paths": …, "schemas": …}; the frame holds the rest.
std::string openapi_document(const ServerConfig& config);

// The same for people: a page without scripts or anything from elsewhere.
std::string openapi_page(const std::string& document);

}  // namespace quire::server
