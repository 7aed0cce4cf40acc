#include "server/http_context.h"

#include <utility>

#include <fmt/format.h>

#include "quire/error.h"

namespace quire::server {
namespace {

constexpr int kNumWorkers = 4;
constexpr int kMaxIoThreads = 1024;

void require_positive(const char* field, double value) {
  if (value > 0) return;
  throw InvalidArgument(field, fmt::format("{}={} is not above 0.", field, value));
}

const ServerConfig& checked(const ServerConfig& config) {
  require_positive("timeout_header", config.timeout_header);
  require_positive("timeout_body", config.timeout_body);
  require_positive("timeout_keep_alive", config.timeout_keep_alive);
  require_positive("timeout_write", config.timeout_write);
  require_positive("h11_max_header_count", config.h11_max_header_count);
  if (config.h11_max_incomplete_event_size < 1024)
    throw InvalidArgument("h11_max_incomplete_event_size", "It must be 1024 bytes or more.");
  if (config.max_body_size < 0)
    throw InvalidArgument("max_body_size", "It must be 0 bytes or more.");
  if (config.api_server_count < 1 || config.api_server_count > kMaxIoThreads)
    throw InvalidArgument(
        "api_server_count", fmt::format("It must be from 1 to {}.", kMaxIoThreads)
    );
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
