#include "server/cors.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "server/header_text.h"

namespace quire::server {
namespace {

constexpr const char* kAllMethods = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT";
constexpr const char* kMaxAgeSeconds = "600";
// A page may send these without being allowed to.
constexpr std::array<std::string_view, 4> kSafeHeaders = {
    "accept", "accept-language", "content-language", "content-type"};

bool has(const std::vector<std::string>& list, std::string_view element) {
  return std::find(list.begin(), list.end(), element) != list.end();
}

}  // namespace

CorsPolicy::CorsPolicy(const ServerConfig& config)
    : config_(config),
      allows_all_origins_(has(config.allowed_origins, "*")),
      allows_all_methods_(has(config.allowed_methods, "*")),
      allows_all_headers_(has(config.allowed_headers, "*")) {}

bool CorsPolicy::is_preflight(const HttpRequest& request) {
  return request.method == "OPTIONS" && request.find_header("origin") != nullptr &&
         request.find_header("access-control-request-method") != nullptr;
}

bool CorsPolicy::is_allowed_origin(const std::string& origin) const {
  return allows_all_origins_ || has(config_.allowed_origins, origin);
}

void CorsPolicy::add_origin(const std::string& origin, Headers& headers) const {
  // A browser takes "*" only from a server that wants no credentials.
  const bool names_origin = !allows_all_origins_ || config_.allow_credentials;
  headers.emplace_back("Access-Control-Allow-Origin", names_origin ? origin : "*");
  if (names_origin) headers.emplace_back("Vary", "Origin");
  if (config_.allow_credentials) headers.emplace_back("Access-Control-Allow-Credentials", "true");
}

HttpResponse CorsPolicy::preflight_response(const HttpRequest& request) const {
  HttpResponse response{.body = "OK", .content_type = "text/plain; charset=utf-8"};
  std::vector<std::string> refused;
  const std::string& origin = *request.find_header("origin");
  if (is_allowed_origin(origin)) {
    add_origin(origin, response.headers);
  } else {
    refused.emplace_back("origin");
  }
  const std::string& method = *request.find_header("access-control-request-method");
  if (!allows_all_methods_ && !has(config_.allowed_methods, method)) refused.emplace_back("method");
  const std::string* wanted = request.find_header("access-control-request-headers");
  for (const std::string_view name : split_list(wanted == nullptr ? std::string_view() : *wanted)) {
    const auto is_it = [&](std::string_view other) { return equals_ignoring_case(name, other); };
    const auto& allowed = config_.allowed_headers;
    if (allows_all_headers_ || std::any_of(kSafeHeaders.begin(), kSafeHeaders.end(), is_it)) {
      continue;
    }
    if (std::any_of(allowed.begin(), allowed.end(), is_it)) continue;
    refused.emplace_back("headers");
    break;
  }
  const std::string methods = allows_all_methods_
                                  ? kAllMethods
                                  : fmt::format("{}", fmt::join(config_.allowed_methods, ", "));
  response.headers.emplace_back("Access-Control-Allow-Methods", methods);
  response.headers.emplace_back("Access-Control-Max-Age", kMaxAgeSeconds);
  if (allows_all_headers_ && wanted != nullptr) {
    response.headers.emplace_back("Access-Control-Allow-Headers", *wanted);
  } else if (!allows_all_headers_) {
    response.headers.emplace_back(
        "Access-Control-Allow-Headers",
        fmt::format(
            "{}, {}", fmt::join(kSafeHeaders, ", "), fmt::join(config_.allowed_headers, ", ")
        )
    );
  }
  if (!refused.empty()) {
    response.status = 400;
    response.body = fmt::format("Disallowed CORS {}", fmt::join(refused, ", "));
  }
  return response;
}

void CorsPolicy::add_headers(const HttpRequest& request, Headers& headers) const {
  const std::string* origin = request.find_header("origin");
  if (origin != nullptr && is_allowed_origin(*origin)) add_origin(*origin, headers);
}

}  // namespace quire::server
