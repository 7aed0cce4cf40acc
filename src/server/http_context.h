#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <boost/asio/thread_pool.hpp>

#include "quire/server_config.h"
#include "server/access_log.h"
#include "server/blocking_calls.h"
#include "server/request_gate.h"
#include "server/request_parser.h"
#include "server/tls.h"

namespace quire::server {

// What all io threads share; nothing of it changes while they run.
struct HttpContext {
  HttpContext(const ServerConfig& given, std::vector<Route> routes);

  const ServerConfig config;
  const ParserLimits limits;
  const RequestGate gate;
  const AccessLog access_log;
  const std::unique_ptr<TlsContext> tls;  // nullptr: plain
  boost::asio::thread_pool workers;  // for handlers that compute for long
  BlockingCalls blocking_calls;  // of routes that may block
};

}  // namespace quire::server
