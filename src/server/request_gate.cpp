#include "server/request_gate.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "server/header_text.h"

namespace quire::server {
namespace {

constexpr const char* kWrongKey = "There is no API key, or a wrong one.";

}  // namespace

RequestGate::RequestGate(const ServerConfig& config, std::vector<Route> routes)
    : config_(config),
      root_path_(config.root_path.value_or("")),
      router_(std::move(routes)),
      api_keys_(config.api_key),
      cors_(config) {
  while (root_path_.ends_with('/'))
    root_path_.pop_back();
}

std::string_view RequestGate::without_root_path(std::string_view path) const {
  // A proxy may have taken it off already.
  if (root_path_.empty() || !path.starts_with(root_path_)) return path;
  const std::string_view rest = path.substr(root_path_.size());
  if (rest.empty()) return "/";
  return rest.front() == '/' ? rest : path;
}

RequestGate::Admission RequestGate::admit(HttpRequest& request) const {
  request.path = std::string(without_root_path(request.path));
  if (CorsPolicy::is_preflight(request)) return {.answer = cors_.preflight_response(request)};
  if (!api_keys_.allow(request)) return {.answer = refuse(request, http_error(401, kWrongKey))};
  RouteMatch match = router_.find(request.method, request.path);
  if (match.route == nullptr) return {.answer = answer_unrouted(request)};
  request.path_parameters = std::move(match.path_parameters);
  return {.route = match.route};
}

HttpResponse RequestGate::answer_unrouted(const HttpRequest& request) const {
  const std::vector<std::string> methods = router_.methods_of(request.path);
  if (methods.empty()) {
    const std::string message = fmt::format("There is no path {} here.", request.path);
    return refuse(request, http_error(404, message));
  }
  const Headers allow = {{"Allow", fmt::format("{}", fmt::join(methods, ", "))}};
  if (request.method == "OPTIONS") return {.status = 204, .headers = allow};
  const std::string message = fmt::format(
      "{} does not take {}, but {}.", request.path, request.method, fmt::join(methods, ", ")
  );
  HttpResponse response = refuse(request, http_error(405, message));
  response.headers = allow;
  return response;
}

std::optional<HttpResponse> RequestGate::check_body(const HttpRequest& request) const {
  if (request.method != "POST" || request.body.empty()) return std::nullopt;
  const std::string* type = request.find_header("content-type");
  const std::string_view text = type == nullptr ? "" : std::string_view(*type);
  if (equals_ignoring_case(trim(text.substr(0, text.find(';'))), "application/json")) {
    return std::nullopt;
  }
  return refuse(
      request, http_error(400, "Unsupported Media Type: Only 'application/json' is allowed")
  );
}

HttpResponse RequestGate::refuse(const HttpRequest& request, const ErrorInfo& error) const {
  const ErrorFormat format = router_.error_format(without_root_path(request.path));
  return error_response(error, format, request.request_id);
}

void RequestGate::add_headers(const HttpRequest& request, Headers& headers) const {
  if (!CorsPolicy::is_preflight(request)) cors_.add_headers(request, headers);
  if (config_.enable_request_id_headers) headers.emplace_back("X-Request-Id", request.request_id);
}

}  // namespace quire::server
