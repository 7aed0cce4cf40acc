#pragma once

#include "quire/server_config.h"
#include "server/http_message.h"

namespace quire::server {

// Which pages of other origins may call the server from a browser: --allowed-origins and the rest.
class CorsPolicy {
 public:
  explicit CorsPolicy(const ServerConfig& config);

  // A browser asks before it sends the real request.
  static bool is_preflight(const HttpRequest& request);
  // 200, or 400 with what is not allowed.
  HttpResponse preflight_response(const HttpRequest& request) const;
  // Appends the headers of the answer to a real request; none without an Origin.
  void add_headers(const HttpRequest& request, Headers& headers) const;

 private:
  bool is_allowed_origin(const std::string& origin) const;
  void add_origin(const std::string& origin, Headers& headers) const;

  const ServerConfig& config_;
  bool allows_all_origins_;
  bool allows_all_methods_;
  bool allows_all_headers_;
};

}  // namespace quire::server
