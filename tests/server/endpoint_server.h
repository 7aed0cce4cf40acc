#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "server/route_caller.h"
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
class EndpointServer : public RouteCaller {
 public:
  using MakeRoutes = std::function<std::vector<server::Route>(server::ServerState&)>;
  EndpointServer(const MakeRoutes& make_routes, const std::string& text, ServerConfig config = {});
  // Any engine.
  EndpointServer(const MakeRoutes& make_routes, LoadedEngine engine, ServerConfig config);

  std::vector<SentEvent> stream(const std::string& path, const std::string& body);
  AsyncEngine& engine() { return *engine_; }
  const server::ServerState& state() const { return state_; }

 private:
  const ServerConfig config_;
  std::unique_ptr<AsyncEngine> engine_;
  server::ServerState state_;
};

}  // namespace quire::test
