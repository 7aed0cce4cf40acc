#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "server/json_text.h"
#include "server/openai/openai_routes.h"
#include "server/route_caller.h"
#include "support/fake_engine_core_client.h"

namespace quire::test {

// The OpenAI endpoints over an engine, without HTTP.
class OpenAiServer : public RouteCaller {
 public:
  // A FakeModel with small-chat's tokenizer. `config` is that of the server.
  explicit OpenAiServer(FakeModel model, ServerConfig config = {}, int max_model_len = 128);
  // Any engine.
  OpenAiServer(LoadedEngine engine, ServerConfig config);
  // The bundled model.
  static std::unique_ptr<OpenAiServer> with_small_chat(ServerConfig config = {});

  // The answer, which must be 200.
  std::unique_ptr<JsonText> post_json(const std::string& path, const std::string& body);
  // The data of each event; the last must be [DONE], and is left out.
  std::vector<std::string> stream(const std::string& path, const std::string& body);

  // Of a call that must be taken.
  server::Generation start(const std::string& path, const std::string& body);

  AsyncEngine& engine() { return *engine_; }

 private:
  const ServerConfig config_;
  std::unique_ptr<AsyncEngine> engine_;
  server::ServerState state_;
};

// The pieces of a stream put together: events of one choice in order.
std::string joined(const std::vector<std::string>& events, std::string_view pointer, int index = 0);

}  // namespace quire::test
