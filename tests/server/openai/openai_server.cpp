#include "server/openai/openai_server.h"

#include <utility>

#include <gtest/gtest.h>

#include "support/test_paths.h"

namespace quire::test {

using server::Generation;
using server::HttpResponse;

OpenAiServer::OpenAiServer(FakeModel model, ServerConfig config, int max_model_len)
    : OpenAiServer(
          load_with_fake_core(
              std::make_unique<FakeEngineCoreClient>(std::move(model)), {}, max_model_len
          ),
          std::move(config)
      ) {}

OpenAiServer::OpenAiServer(LoadedEngine engine, ServerConfig config)
    : config_(std::move(config)),
      engine_(std::make_unique<AsyncEngine>(std::move(engine))),
      state_(server::make_server_state(*engine_, config_, "small-chat")) {
  routes_ = server::make_openai_routes(state_);
}

std::unique_ptr<OpenAiServer> OpenAiServer::with_small_chat(ServerConfig config) {
  EngineConfig engine_config;
  engine_config.model = (bundled_models_dir() / "small-chat").string();
  engine_config.max_model_len = 256;
  engine_config.num_gpu_blocks_override = 256;
  engine_config.disable_log_stats = true;
  return std::make_unique<OpenAiServer>(load_engine(engine_config), std::move(config));
}

Generation OpenAiServer::start(const std::string& path, const std::string& body) {
  return std::get<Generation>(call("POST", path, body));
}

std::unique_ptr<JsonText> OpenAiServer::post_json(
    const std::string& path, const std::string& body
) {
  const HttpResponse response = post(path, body);
  EXPECT_EQ(response.status, 200) << response.body;
  return std::make_unique<JsonText>(response.body);
}

std::vector<std::string> OpenAiServer::stream(const std::string& path, const std::string& body) {
  std::string events = stream_text(path, body);
  std::vector<std::string> data;
  while (!events.empty()) {
    const size_t end = events.find("\n\n");
    if (!events.starts_with("data: ") || end == std::string::npos) {
      ADD_FAILURE() << "no event: " << events;
      return data;
    }
    data.push_back(events.substr(6, end - 6));
    events.erase(0, end + 2);
  }
  EXPECT_FALSE(data.empty());
  EXPECT_EQ(data.back(), "[DONE]");
  data.pop_back();
  return data;
}

std::string joined(const std::vector<std::string>& events, std::string_view pointer, int index) {
  std::string text;
  for (const std::string& event : events) {
    const JsonText json(event);
    if (!json.has("/choices/0/index") || json.number("/choices/0/index") != index) continue;
    if (json.has(pointer) && json.at(pointer).is_string()) text += json.text(pointer);
  }
  return text;
}

}  // namespace quire::test
