#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "server/handler.h"
#include "server/server_state.h"
#include "support/fake_engine_core_client.h"

namespace quire::test {

// A model that answers each prompt with the tokens of `text`, then ends. For one request at a time.
FakeModel scripted_model(const std::string& text);

struct SentEvent {
  std::string name;
  std::string data;
};

// Endpoints over an engine with small-chat's tokenizer and a scripted model, without HTTP.
class EndpointServer {
 public:
  using MakeRoutes = std::function<std::vector<server::Route>(server::ServerState&)>;
  EndpointServer(const MakeRoutes& make_routes, const std::string& text, ServerConfig config = {});

  // The answer when all is said.
  server::HttpResponse request(
      const std::string& method, const std::string& path, const std::string& body = ""
  );
  server::HttpResponse post(const std::string& path, const std::string& body) {
    return request("POST", path, body);
  }
  server::HttpResponse get(const std::string& path) { return request("GET", path); }
  std::vector<SentEvent> stream(const std::string& path, const std::string& body);
  // The reply itself: for what happens before its end.
  server::Reply call(
      const std::string& method, const std::string& path, const std::string& body = ""
  );

  std::map<std::string, std::string> query;  // of the coming requests
  AsyncEngine& engine() { return *engine_; }
  const std::vector<server::Route>& routes() const { return routes_; }

 private:
  const ServerConfig config_;
  std::unique_ptr<AsyncEngine> engine_;
  server::ServerState state_;
  std::vector<server::Route> routes_;
};

}  // namespace quire::test
