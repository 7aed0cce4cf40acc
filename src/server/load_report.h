#pragma once

#include "quire/async_engine.h"
#include "server/http_message.h"

namespace quire::server {

// ORCA: a balancer that asks with `endpoint-load-metrics-format: TEXT` or JSON learns the load from
// a header of the answer. Other formats get none.
void add_load_report(const HttpRequest& request, const AsyncEngine& engine, Headers& headers);

}  // namespace quire::server
