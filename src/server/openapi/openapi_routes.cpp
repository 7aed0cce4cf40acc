#include "server/openapi/openapi_routes.h"

#include <memory>
#include <mutex>

#include "server/openapi/openapi_document.h"

namespace quire::server {
namespace {

// Made when somebody asks for the first time, so that no start waits for it.
class OpenApiTexts {
 public:
  explicit OpenApiTexts(const ServerConfig& config) : config_(config) {}

  const std::string& document() {
    make();
    return document_;
  }
  const std::string& page() {
    make();
    return page_;
  }

 private:
  void make() {
    std::call_once(made_, [this] {
      document_ = openapi_document(config_);
      page_ = openapi_page(document_);
    });
  }

  const ServerConfig& config_;
  std::once_flag made_;
  std::string document_;
  std::string page_;
};

}  // namespace

std::vector<Route> make_openapi_routes(const ServerState& state) {
  if (state.config.disable_fastapi_docs) return {};
  const auto texts = std::make_shared<OpenApiTexts>(state.config);
  const Handler document = [texts](const HttpRequest&, const CallContext&) -> Reply {
    return HttpResponse{.body = texts->document()};
  };
  const Handler page = [texts](const HttpRequest&, const CallContext&) -> Reply {
    return HttpResponse{
        .body = texts->page(),
        .content_type = "text/html; charset=utf-8",
        .headers = {
            {"Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'"},
        }};
  };
  return {
      {"GET", "/openapi.json", document},
      {"GET", "/docs", page},
      {"GET", "/redoc", page},
  };
}

}  // namespace quire::server
