#include "server/http_context.h"

#include <utility>

namespace quire::server {
namespace {

constexpr int kNumWorkers = 4;
// The ranges, also where no command line has checked them.
const ServerConfig& checked(const ServerConfig& config) {
  config.validate();
  return config;
}

}  // namespace

HttpContext::HttpContext(const ServerConfig& given, std::vector<Route> routes)
    : config(checked(given)),
      limits{
          .max_head_bytes = static_cast<size_t>(config.h11_max_incomplete_event_size),
          .max_headers = config.h11_max_header_count,
          .max_body_bytes = static_cast<uint64_t>(config.max_body_size),
      },
      gate(config, std::move(routes)),
      access_log(config),
      tls(make_tls_context(config)),
      workers(kNumWorkers) {}

}  // namespace quire::server
