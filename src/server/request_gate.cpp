#include "server/request_gate.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "server/api_error.h"
#include "server/header_text.h"

namespace quire::server {

RequestGate::RequestGate(const ServerConfig& config, std::vector<Route> routes)
    : config_(config),
      root_path_(config.root_path.value_or("")),
      router_(std::move(routes)),
      api_keys_(config.api_key),
      cors_(config) {
  while (root_path_.ends_with('/'))
    root_path_.pop_back();
}

void RequestGate::strip_root_path(std::string& path) const {
  // A proxy may have taken it off already.
  if (root_path_.empty() || !path.starts_with(root_path_)) return;
  const std::string_view rest = std::string_view(path).substr(root_path_.size());
  if (rest.empty() || rest.front() == '/') path = rest.empty() ? "/" : std::string(rest);
}

RequestGate::Admission RequestGate::admit(HttpRequest& request) const {
  strip_root_path(request.path);
  if (CorsPolicy::is_preflight(request)) return {.answer = cors_.preflight_response(request)};
  if (!api_keys_.allow(request)) {
    return {.answer = HttpResponse{.status = 401, .body = R"({"error":"Unauthorized"})"}};
  }
  RouteMatch match = router_.find(request.method, request.path);
  if (match.route == nullptr) return {.answer = answer_unrouted(request)};
  request.path_parameters = std::move(match.path_parameters);
  return {.route = match.route};
}

HttpResponse RequestGate::answer_unrouted(const HttpRequest& request) const {
  const std::vector<std::string> methods = router_.methods_of(request.path);
  if (methods.empty()) {
    const std::string message = fmt::format("There is no path {} here.", request.path);
    return {.status = 404, .body = error_json(404, "Not Found", message)};
  }
  const Headers allow = {{"Allow", fmt::format("{}", fmt::join(methods, ", "))}};
  if (request.method == "OPTIONS") return {.status = 204, .headers = allow};
  const std::string message = fmt::format(
      "{} does not take {}, but {}.", request.path, request.method, fmt::join(methods, ", ")
  );
  const std::string body = error_json(405, "Method Not Allowed", message);
  return {.status = 405, .body = body, .headers = allow};
}

std::optional<HttpResponse> RequestGate::check_body(const HttpRequest& request) {
  if (request.method != "POST" || request.body.empty()) return std::nullopt;
  const std::string* type = request.find_header("content-type");
  const std::string_view text = type == nullptr ? "" : std::string_view(*type);
  if (equals_ignoring_case(trim(text.substr(0, text.find(';'))), "application/json")) {
    return std::nullopt;
  }
  const char* const message = "Unsupported Media Type: Only 'application/json' is allowed";
  return HttpResponse{.status = 400, .body = error_json(400, "Bad Request", message)};
}

void RequestGate::add_headers(const HttpRequest& request, Headers& headers) const {
  if (!CorsPolicy::is_preflight(request)) cors_.add_headers(request, headers);
  if (config_.enable_request_id_headers) headers.emplace_back("X-Request-Id", request.request_id);
}

}  // namespace quire::server
