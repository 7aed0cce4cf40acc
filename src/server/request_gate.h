#pragma once

#include <optional>

#include "quire/server_config.h"
#include "server/api_keys.h"
#include "server/cors.h"
#include "server/router.h"

namespace quire::server {

// What holds for every request before its handler sees it: who may call, which route serves it.
class RequestGate {
 public:
  // `config` outlives it.
  RequestGate(const ServerConfig& config, std::vector<Route> routes);

  struct Admission {
    const Route* route = nullptr;
    std::optional<HttpResponse> answer;  // instead of the route's
  };
  // Takes the root path off the request's path and sets its path parameters.
  Admission admit(HttpRequest& request) const;
  // Refuses a body that is not said to be JSON; nullopt: it is all right.
  std::optional<HttpResponse> check_body(const HttpRequest& request) const;
  // The error as the clients of the request's path know it. The request may be read in part.
  HttpResponse refuse(const HttpRequest& request, const ErrorInfo& error) const;

  // Appends the headers that every answer to `request` has.
  void add_headers(const HttpRequest& request, Headers& headers) const;

 private:
  std::string_view without_root_path(std::string_view path) const;
  HttpResponse answer_unrouted(const HttpRequest& request) const;

  const ServerConfig& config_;
  std::string root_path_;  // without a slash at its end
  Router router_;
  ApiKeys api_keys_;
  CorsPolicy cors_;
};

}  // namespace quire::server
