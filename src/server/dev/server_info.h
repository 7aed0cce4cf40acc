#pragma once

#include <string>

#include "server/server_state.h"

namespace quire::server {

// The body of GET /server_info: what the server was started with, and on what machine. Keys and
// tokens are hidden. `config_format`: json, or text (all options as one string).
std::string server_info_json(const ServerState& state, std::string_view config_format);

}  // namespace quire::server
