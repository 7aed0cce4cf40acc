#pragma once

#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "server/http_server.h"
#include "server/raw_client.h"
#include "server/scripted_engine.h"

namespace quire::test {

// A server on a free port of the loopback, with a scripted engine behind /stream and /complete.
class HttpServerTest : public testing::Test {
 protected:
  HttpServerTest() {
    config_.host = "127.0.0.1";
    config_.port = 0;
    config_.disable_uvicorn_access_log = true;
  }

  void serve() {
    using namespace server;
    std::vector<Route> routes = std::move(more_routes_);
    routes.push_back({"GET", "/v1/models", [](const HttpRequest&, const CallContext&) -> Reply {
                        return HttpResponse{.body = R"({"object":"list"})"};
                      }});
    routes.push_back({"POST", "/echo", [](const HttpRequest& request, const CallContext&) -> Reply {
                        return HttpResponse{.body = request.body};
                      }});
    routes.push_back({"POST", "/stream", engine_.handler(true)});
    routes.push_back({"POST", "/complete", engine_.handler(false)});
    server_ = std::make_unique<HttpServer>(config_, std::move(routes));
  }

  RawClient connect() const { return RawClient(server_->port()); }

  // The answer to `request` on a connection of its own.
  std::string ask(std::string_view request) const {
    RawClient client = connect();
    client.send(request);
    return client.read_response();
  }

  // A client whose stream has begun, the engine's `index`-th.
  RawClient start_stream(size_t index = 0) {
    RawClient client = connect();
    client.send(make_request("POST", "/stream", "{}"));
    EXPECT_TRUE(engine_.wait_started(index + 1));
    return client;
  }

  ServerConfig config_;
  std::vector<server::Route> more_routes_;
  ScriptedEngine engine_;
  std::unique_ptr<server::HttpServer> server_;
};

}  // namespace quire::test
