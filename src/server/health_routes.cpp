#include "server/health_routes.h"

#include "base/json_writer.h"
#include "server/api_error.h"

namespace quire::server {
namespace {

constexpr int kUnavailable = 503;
constexpr const char* kPrometheusText = "text/plain; version=0.0.4; charset=utf-8";

HttpResponse health(const Monitoring& monitoring) {
  const std::optional<std::string> problem = health_problem(monitoring);
  if (!problem) return {.content_type = "text/plain; charset=utf-8"};
  return error_response({kUnavailable, "ServiceUnavailableError", *problem, std::nullopt});
}

HttpResponse version() {
  HttpResponse response;
  JsonWriter(response.body, JsonSpacing::kCompact)
      .begin_object()
      .field("version", QUIRE_VERSION)
      .end_object();
  return response;
}

HttpResponse load(const Monitoring& monitoring) {
  const bool is_tracked = monitoring.config.enable_server_load_tracking;
  HttpResponse response;
  JsonWriter(response.body, JsonSpacing::kCompact)
      .begin_object()
      .field("server_load", is_tracked ? monitoring.num_generations.load() : 0)
      .end_object();
  return response;
}

HttpResponse metrics(const Monitoring& monitoring) {
  return {
      .body = monitoring.engine.metrics_text() + monitoring.http.text(),
      .content_type = kPrometheusText,
  };
}

}  // namespace

std::vector<Route> make_health_routes(Monitoring& monitoring) {
  const auto call = [&monitoring](HttpResponse (*answer)(const Monitoring&)) -> Handler {
    return [&monitoring, answer](const HttpRequest&, const CallContext&) {
      return Reply(answer(monitoring));
    };
  };
  return {
      {"GET", "/health", call(health)},
      {"GET", "/ping", call(health)},
      {"POST", "/ping", call(health)},
      {"GET", "/version", [](const HttpRequest&, const CallContext&) { return Reply(version()); }},
      {"GET", "/load", call(load)},
      {"GET", "/metrics", call(metrics), /*may_block=*/true},
  };
}

}  // namespace quire::server
