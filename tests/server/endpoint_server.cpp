#include "server/endpoint_server.h"

#include <gtest/gtest.h>

#include "quire/tokenizer.h"
#include "server/api_error.h"
#include "server/router.h"
#include "support/test_paths.h"

namespace quire::test {
namespace {

// Reads the stream to its end; what the answer makes of it.
server::HttpResponse finish(server::Generation& generation, std::string& events) {
  EXPECT_EQ(generation.streams.size(), 1u);
  while (auto output = generation.streams[0]->next())
    generation.answer->add(0, std::move(*output), events);
  return generation.answer->finish(events);
}

}  // namespace

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
    : config_(std::move(config)),
      engine_(std::make_unique<AsyncEngine>(
          load_with_fake_core(std::make_unique<FakeEngineCoreClient>(scripted_model(text)), {}, 512)
      )),
      state_(server::make_server_state(*engine_, config_, "small-chat")),
      routes_(make_routes(state_)) {}

server::Reply EndpointServer::call(
    const std::string& method, const std::string& path, const std::string& body
) {
  server::HttpRequest http;
  http.method = method;
  http.path = path;
  http.body = body;
  http.query = query;
  http.headers = {{"content-type", "application/json"}};
  http.request_id = "0123";
  const server::Router router(routes_);
  const server::RouteMatch match = router.find(method, path);
  if (match.route == nullptr) return server::HttpResponse{.status = 404, .body = "no route"};
  http.path_parameters = match.path_parameters;
  try {
    return match.route->handler(http, {});
  } catch (const std::exception& error) {
    return server::error_response(
        server::describe(error), match.route->error_format, http.request_id
    );
  }
}

server::HttpResponse EndpointServer::request(
    const std::string& method, const std::string& path, const std::string& body
) {
  server::Reply reply = call(method, path, body);
  if (auto* response = std::get_if<server::HttpResponse>(&reply)) return std::move(*response);
  auto& generation = std::get<server::Generation>(reply);
  EXPECT_FALSE(generation.is_streaming) << body;
  std::string events;
  server::HttpResponse response = finish(generation, events);
  EXPECT_EQ(events, "") << "one response has no events";
  return response;
}

std::vector<SentEvent> EndpointServer::stream(const std::string& path, const std::string& body) {
  server::Reply reply = call("POST", path, body);
  if (auto* response = std::get_if<server::HttpResponse>(&reply)) {
    ADD_FAILURE() << "no stream: " << response->body;
    return {};
  }
  auto& generation = std::get<server::Generation>(reply);
  EXPECT_TRUE(generation.is_streaming) << body;
  std::string text;
  finish(generation, text);
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
