#include "server/dev/dev_routes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "quire/async_engine.h"
#include "server/endpoint_server.h"
#include "server/json_text.h"
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
