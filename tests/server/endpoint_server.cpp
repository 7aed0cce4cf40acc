#include "server/endpoint_server.h"

#include <gtest/gtest.h>

#include "quire/tokenizer.h"
#include "support/test_paths.h"

namespace quire::test {
FakeModel scripted_model(const std::string& text) {
  const auto tokenizer = Tokenizer::from_dir(bundled_models_dir() / "small-chat");
  std::vector<int32_t> script = tokenizer->encode(text, false);
  script.push_back(*tokenizer->eos_token_id());
  const auto last_size = std::make_shared<size_t>(0);
  const auto next = std::make_shared<size_t>(0);
  return [=](std::span<const int32_t> token_ids) {
    if (token_ids.size() != *last_size + 1) *next = 0;  // another request
    *last_size = token_ids.size();
    const int32_t token = script[std::min((*next)++, script.size() - 1)];
    return TokenLogprobs{.token_ids = {token, token + 1}, .logprobs = {-0.5f, -2.0f}};
  };
}

EndpointServer::EndpointServer(
    const MakeRoutes& make_routes, const std::string& text, ServerConfig config
)
    : EndpointServer(
          make_routes,
          load_with_fake_core(
              std::make_unique<FakeEngineCoreClient>(scripted_model(text)), {}, 512
          ),
          std::move(config)
      ) {}

EndpointServer::EndpointServer(
    const MakeRoutes& make_routes, LoadedEngine engine, ServerConfig config
)
    : config_(std::move(config)),
      engine_(std::make_unique<AsyncEngine>(std::move(engine))),
      state_(server::make_server_state(*engine_, config_, "small-chat")) {
  routes_ = make_routes(state_);
}

std::vector<SentEvent> EndpointServer::stream(const std::string& path, const std::string& body) {
  std::string text = stream_text(path, body);
  std::vector<SentEvent> events;
  while (!text.empty()) {
    const size_t data = text.find("\ndata: ");
    const size_t end = text.find("\n\n");
    if (!text.starts_with("event: ") || data == std::string::npos || end == std::string::npos) {
      ADD_FAILURE() << "no event: " << text;
      return events;
    }
    events.push_back({text.substr(7, data - 7), text.substr(data + 7, end - data - 7)});
    text.erase(0, end + 2);
  }
  return events;
}

}  // namespace quire::test
