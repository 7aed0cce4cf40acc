#include "server/openapi/openapi_routes.h"

#include "server/openapi/openapi_document.h"

namespace quire::server {
namespace {

Route fixed_route(const char* path, const HttpResponse& response) {
  const auto handler = [response](const HttpRequest&, const CallContext&) -> Reply {
    return response;
  };
  return {.method = "GET", .path = path, .handler = handler};
}

}  // namespace

std::vector<Route> make_openapi_routes(const ServerState& state) {
  if (state.config.disable_fastapi_docs) return {};
  const HttpResponse document = {.body = openapi_document(state.config)};
  const HttpResponse page = {
      .body = openapi_page(document.body),
      .content_type = "text/html; charset=utf-8",
      .headers = {
          {"Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'"},
      }};
  return {
      fixed_route("/openapi.json", document),
      fixed_route("/docs", page),
      fixed_route("/redoc", page),
  };
}

}  // namespace quire::server
