#pragma once

#include <memory>

#include <boost/asio/ssl/context.hpp>

#include "quire/server_config.h"

namespace quire::server {

using TlsContext = boost::asio::ssl::context;

// nullptr: no certificate is configured. Throws InvalidArgument that names the option: a file that
// cannot be read, a key that does not fit, no such cipher.
std::unique_ptr<TlsContext> make_tls_context(const ServerConfig& config);

}  // namespace quire::server
