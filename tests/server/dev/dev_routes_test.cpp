#include "server/dev/dev_routes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "quire/async_engine.h"
#include "server/endpoint_server.h"
#include "server/json_text.h"
#include "server/openai/openai_routes.h"
#include "server/unserved_routes.h"
#include "support/test_paths.h"

namespace quire::server {
namespace {

using test::EndpointServer;
using test::JsonText;
using ::testing::HasSubstr;

EndpointServer serve(bool enable_dev_endpoints = true) {
  ServerConfig config;
  config.enable_dev_endpoints = enable_dev_endpoints;
  config.api_key = {"secret"};
  return EndpointServer(
      [](ServerState& state) { return make_dev_routes(state); }, "ok", std::move(config)
  );
}

TEST(DevRoutesTest, AreNotThereUnlessEnabled) {
  EXPECT_TRUE(serve(false).routes().empty());
  EXPECT_FALSE(serve(true).routes().empty());
}

TEST(DevRoutesTest, TellTheOptionsButNoSecrets) {
  auto server = serve();
  const auto text = server.get("/server_info");
  ASSERT_EQ(text.status, 200) << text.body;
  EXPECT_THAT(JsonText(text.body).text("/vllm_config"), HasSubstr("enable_dev_endpoints"));
  server.next_request.query = {{"config_format", "json"}};
  const auto json = server.get("/server_info");
  EXPECT_EQ(JsonText(json.body).show("/vllm_config/enable_dev_endpoints"), "true");
  EXPECT_EQ(JsonText(json.body).text("/vllm_config/api_key"), "(hidden)");
  EXPECT_THAT(text.body + json.body, ::testing::Not(HasSubstr("secret")));
  server.next_request.query = {{"config_format", "yaml"}};
  EXPECT_EQ(server.get("/server_info").status, 400);
}

TEST(DevRoutesTest, PauseAndResumeTheEngine) {
  EngineConfig engine_config;
  engine_config.model = (test::bundled_models_dir() / "small-chat").string();
  engine_config.load_format = "null";
  engine_config.num_gpu_blocks_override = 64;
  engine_config.disable_log_stats = true;
  AsyncEngine engine(engine_config);
  ServerConfig config;
  config.enable_dev_endpoints = true;
  const ServerState state = make_server_state(engine, config, "small-chat");
  const auto routes = make_dev_routes(state);
  const auto call = [&](const std::string& path, std::map<std::string, std::string> query = {}) {
    for (const Route& route : routes) {
      if (route.path != path) continue;
      HttpRequest request;
      request.query = std::move(query);
      return std::get<HttpResponse>(route.handler(request, {})).body;
    }
    return std::string("no route");
  };
  EXPECT_EQ(call("/is_paused"), R"({"is_paused":false})");
  EXPECT_EQ(call("/pause", {{"mode", "keep"}}), R"({"status":"paused"})");
  EXPECT_EQ(call("/is_paused"), R"({"is_paused":true})");
  EXPECT_EQ(call("/resume"), R"({"status":"resumed"})");
  EXPECT_EQ(call("/is_paused"), R"({"is_paused":false})");
  EXPECT_EQ(call("/sleep", {{"level", "1"}}), "{}");
  EXPECT_EQ(call("/is_sleeping"), R"({"is_sleeping":true})");
  EXPECT_EQ(call("/wake_up"), "{}");
  EXPECT_EQ(call("/is_sleeping"), R"({"is_sleeping":false})");
  EXPECT_EQ(call("/reset_prefix_cache"), "{}");
}

TEST(DevRoutesTest, RefuseWhatTheyDoNotKnow) {
  auto server = serve();
  server.next_request.query = {{"mode", "now"}};
  EXPECT_EQ(server.request("POST", "/pause").status, 400);
  server.next_request.query = {{"reset_running_requests", "maybe"}};
  EXPECT_EQ(server.request("POST", "/reset_prefix_cache").status, 400);
  server.next_request.query = {{"reset_external", "true"}};
  EXPECT_EQ(server.request("POST", "/reset_prefix_cache").status, 400);
  server.next_request.query = {{"level", "2"}};
  EXPECT_EQ(server.request("POST", "/sleep").status, 400);
  server.next_request.query = {{"tags", "weights"}};
  EXPECT_EQ(server.request("POST", "/wake_up").status, 400);
  server.next_request.query = {};
  EXPECT_EQ(server.post("/abort_requests", "{}").status, 400);
  EXPECT_EQ(server.post("/abort_requests", R"({"request_ids": [1]})").status, 400);
  EXPECT_EQ(server.post("/abort_requests", R"({"request_ids": ["none"]})").status, 200);
}

// The operator's routes and OpenAI's, over an engine whose requests run until they are ended.
class AbortTest : public ::testing::Test {
 protected:
  Generation start(const char* path, const std::string& body) {
    Reply reply = server_.call("POST", path, body);
    if (auto* generation = std::get_if<Generation>(&reply)) return std::move(*generation);
    ADD_FAILURE() << std::get<HttpResponse>(reply).body;
    return {};
  }
  void abort(const std::string& id) {
    const auto response = server_.post("/abort_requests", R"({"request_ids": [")" + id + "\"]}");
    EXPECT_EQ(response.status, 200) << response.body;
  }
  static void expect_aborted(const Generation& generation) {
    for (const auto& stream : generation.streams) {
      const auto output = stream->try_next();
      ASSERT_TRUE(output) << stream->request_id() << " runs on";
      EXPECT_EQ(output->outputs[0].finish_reason, FinishReason::kAbort);
    }
  }

  static constexpr const char* kTwoPrompts = R"({"prompt": ["a", "b"]})";
  static constexpr const char* kChat = R"({"messages": [{"role": "user", "content": "Hi"}]})";
  EndpointServer server_{
      [](ServerState& state) {
        std::vector<Route> routes = make_dev_routes(state);
        for (Route& route : make_openai_routes(state))
          routes.push_back(std::move(route));
        return routes;
      },
      test::load_with_fake_core(std::make_unique<test::FakeEngineCoreClient>()),
      ServerConfig{.enable_dev_endpoints = true}};
};

TEST_F(AbortTest, EndsAllPromptsOfACompletionByTheIdThatItsClientSees) {
  const Generation ended = start("/v1/completions", kTwoPrompts);
  server_.next_request.request_id = "other";
  const Generation other = start("/v1/completions", kTwoPrompts);
  ASSERT_EQ(ended.streams.size(), 2u);
  abort("cmpl-0123");
  expect_aborted(ended);
  for (const auto& stream : other.streams)
    EXPECT_FALSE(stream->try_next());
  abort("cmpl-other-1");
  EXPECT_FALSE(other.streams[0]->try_next());
  EXPECT_TRUE(other.streams[1]->try_next()) << "the engine's own id";
}

TEST_F(AbortTest, EndsAllAnswersThatShareAnId) {
  const Generation completions[] = {
      start("/v1/completions", kTwoPrompts), start("/v1/completions", kTwoPrompts)};
  const Generation chats[] = {
      start("/v1/chat/completions", kChat), start("/v1/chat/completions", kChat)};
  ASSERT_NE(chats[0].streams[0]->request_id(), chats[1].streams[0]->request_id());
  abort("cmpl-0123");
  for (const Generation& completion : completions)
    expect_aborted(completion);
  EXPECT_FALSE(chats[1].streams[0]->try_next());
  abort("chatcmpl-0123");
  for (const Generation& chat : chats)
    expect_aborted(chat);
}

TEST_F(AbortTest, KnowsNoAnswerThatHasEnded) {
  EngineIds& ids = *server_.state().engine_ids;
  {
    const Generation running = start("/v1/completions", kTwoPrompts);
    EXPECT_EQ(ids.of_answer("cmpl-0123").size(), 2u);
  }
  EXPECT_TRUE(ids.of_answer("cmpl-0123").empty());
}

TEST(DevRoutesTest, ThatWaitForTheEngineSayIt) {
  auto server = serve();
  for (const Route& route : server.routes()) {
    const bool waits = route.path == "/pause" || route.path == "/sleep" ||
                       route.path == "/wake_up" || route.path == "/reset_prefix_cache";
    EXPECT_EQ(route.may_block, waits) << route.path;
  }
}

TEST(UnservedRoutesTest, SayWhatToUseInstead) {
  const auto make_routes = [](ServerState&) { return make_unserved_routes(); };
  EndpointServer server(make_routes, "");
  for (const Route& route : server.routes()) {
    const HttpResponse response = server.post(route.path, "");
    EXPECT_EQ(response.status, 404);
    EXPECT_TRUE(route.takes_any_body) << "audio comes as a form";
    const JsonText json(response.body);
    EXPECT_EQ(json.text("/error/type"), "NotFoundError");
    EXPECT_THAT(json.text("/error/message"), ::testing::StartsWith(route.path + " needs "));
  }
}

}  // namespace
}  // namespace quire::server
