#include <exception>
#include <utility>
#include <variant>

#include "quire/error.h"
#include "server/api_error.h"
#include "server/random_id.h"
#include "server/router.h"
#include "server/routes.h"
#include "server/server.h"
#include "server/server_state.h"

namespace quire {
namespace {

constexpr size_t kPaddingBytes = 64;  // that simdjson reads behind a text

// Every stream keeps what comes while another is read.
server::HttpResponse wait_for(server::Generation generation) {
  std::string no_events;
  for (size_t i = 0; i < generation.streams.size(); ++i) {
    while (auto output = generation.streams[i]->next())
      generation.answer->add(static_cast<int>(i), std::move(*output), no_events);
  }
  return generation.answer->finish(no_events);
}

server::HttpResponse answer(server::Reply reply) {
  if (auto* response = std::get_if<server::HttpResponse>(&reply)) return std::move(*response);
  auto& generation = std::get<server::Generation>(reply);
  if (generation.is_streaming) {
    throw InvalidArgument("stream", "There is nobody to stream to. Leave `stream` out.");
  }
  return wait_for(std::move(generation));
}

}  // namespace

struct InprocServer::Impl {
  Impl(const ServerConfig& given, AsyncEngine& engine, const std::string& model)
      : config(given),
        state(server::make_server_state(engine, config, model)),
        router(server::make_routes(state)) {}

  const ServerConfig config;
  server::ServerState state;
  const server::Router router;
};

InprocServer::InprocServer(
    const ServerConfig& config, AsyncEngine& engine, const std::string& model
)
    : impl_(std::make_unique<Impl>(config, engine, model)) {}

InprocServer::~InprocServer() = default;

InprocServer::Response InprocServer::post(const std::string& path, const std::string& body) const {
  server::HttpRequest request;
  request.method = "POST";
  request.path = path;
  request.headers = {{"content-type", "application/json"}};
  request.body.reserve(body.size() + kPaddingBytes);
  request.body = body;
  request.request_id = server::random_hex(32);
  server::HttpResponse response;
  try {
    server::RouteMatch match = impl_->router.find(request.method, request.path);
    if (match.route == nullptr) {
      throw server::ApiError(404, "NotFoundError", "There is no endpoint " + path + ".");
    }
    request.path_parameters = std::move(match.path_parameters);
    const server::CallContext context{.on_output = [] {}};
    response = answer(match.route->handler(request, context));
  } catch (const std::exception& error) {
    const server::ErrorFormat format = impl_->router.error_format(request.path);
    response = server::error_response(server::describe(error), format, request.request_id);
  }
  return {response.status, std::move(response.body), std::move(request.request_id)};
}

}  // namespace quire
