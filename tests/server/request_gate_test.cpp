#include "server/request_gate.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "quire/error.h"

namespace quire::server {
namespace {

Route route(const char* method, const char* path) {
  return {
      method, path, [](const HttpRequest&, const CallContext&) -> Reply { return HttpResponse(); }};
}

std::vector<Route> routes() {
  return {route("GET", "/health"), route("POST", "/v1/completions"), route("GET", "/v1/r/{id}")};
}

HttpRequest request(const char* method, const char* path, Headers headers = {}) {
  return {.method = method, .path = path, .headers = std::move(headers)};
}

// 0: a route serves it.
int answer_to(const ServerConfig& config, HttpRequest request) {
  const RequestGate::Admission admission = RequestGate(config, routes()).admit(request);
  return admission.answer ? admission.answer->status : 0;
}

std::string header(const Headers& headers, const std::string& name) {
  const auto is_it = [&](const auto& each) { return each.first == name; };
  const auto found = std::find_if(headers.begin(), headers.end(), is_it);
  return found == headers.end() ? "" : found->second;
}

TEST(RequestGateTest, FindsRoutes) {
  const ServerConfig config;
  const RequestGate gate(config, routes());
  HttpRequest with_id = request("GET", "/v1/r/abc");
  EXPECT_EQ(gate.admit(with_id).route->path, "/v1/r/{id}");
  EXPECT_EQ(with_id.path_parameters.at("id"), "abc");
  EXPECT_EQ(answer_to(config, request("GET", "/v1/r/")), 404);
  EXPECT_EQ(answer_to(config, request("GET", "/v1/r/a/b")), 404);
  EXPECT_EQ(answer_to(config, request("GET", "/health/")), 404);
  EXPECT_EQ(answer_to(config, request("HEAD", "/health")), 0) << "served by GET";
  EXPECT_EQ(answer_to(config, request("POST", "/health")), 405);
  EXPECT_EQ(answer_to(config, request("OPTIONS", "/health")), 204);
}

TEST(RequestGateTest, RefusesTwoRoutesOfOneName) {
  EXPECT_THROW(Router({route("GET", "/a"), route("GET", "/a")}), InternalError);
}

TEST(RequestGateTest, AsksForAKey) {
  ServerConfig config;
  config.api_key = {"one", "two"};
  const auto with = [&](const char* name, const char* value) {
    return answer_to(config, request("POST", "/v1/completions", {{name, value}}));
  };
  EXPECT_EQ(with("authorization", "Bearer one"), 0);
  EXPECT_EQ(with("authorization", "bearer two"), 0);
  EXPECT_EQ(with("x-api-key", "two"), 0);
  EXPECT_EQ(with("authorization", "Bearer on"), 401);
  EXPECT_EQ(with("authorization", "Bearer "), 401);
  EXPECT_EQ(with("authorization", "Basic one"), 401);
  EXPECT_EQ(with("authorization", "one"), 401);
  EXPECT_EQ(with("x-api-key", ""), 401);
  EXPECT_EQ(answer_to(config, request("POST", "/v1/completions")), 401);
  EXPECT_EQ(answer_to(config, request("GET", "/v1/unknown")), 401) << "not even what there is";
  EXPECT_EQ(answer_to(config, request("GET", "/health")), 0) << "other paths are open";
  EXPECT_EQ(answer_to(config, request("OPTIONS", "/v1/completions")), 204) << "so are preflights";

  HttpRequest refused = request("POST", "/v1/completions");
  EXPECT_EQ(
      RequestGate(config, routes()).admit(refused).answer->body, R"({"error":"Unauthorized"})"
  );
}

TEST(RequestGateTest, TakesTheRootPathOff) {
  ServerConfig config;
  config.root_path = "/proxy/";
  config.api_key = {"key"};
  EXPECT_EQ(answer_to(config, request("GET", "/proxy/health")), 0);
  EXPECT_EQ(answer_to(config, request("GET", "/health")), 0) << "the proxy took it off";
  EXPECT_EQ(answer_to(config, request("GET", "/proxyhealth")), 404);
  EXPECT_EQ(answer_to(config, request("POST", "/proxy/v1/completions")), 401);
}

TEST(RequestGateTest, TakesJsonOnly) {
  const ServerConfig config;
  const RequestGate gate(config, routes());
  const auto is_taken = [&](const char* type, const char* body) {
    HttpRequest post = request("POST", "/v1/completions", {{"content-type", type}});
    post.body = body;
    return !gate.check_body(post);
  };
  EXPECT_TRUE(is_taken("application/json", "{}"));
  EXPECT_TRUE(is_taken("Application/JSON; charset=utf-8", "{}"));
  EXPECT_FALSE(is_taken("text/plain", "{}"));
  EXPECT_FALSE(is_taken("", "{}"));
  EXPECT_TRUE(is_taken("", "")) << "without a body no type is needed";
}

TEST(CorsTest, AllowsAllOriginsByDefault) {
  const ServerConfig config;
  const RequestGate gate(config, routes());
  Headers headers;
  gate.add_headers(request("GET", "/health", {{"origin", "https://a"}}), headers);
  EXPECT_EQ(header(headers, "Access-Control-Allow-Origin"), "*");
  headers.clear();
  gate.add_headers(request("GET", "/health"), headers);
  EXPECT_TRUE(headers.empty()) << "no browser asks";
}

TEST(CorsTest, AnswersPreflights) {
  ServerConfig config;
  config.api_key = {"key"};
  config.allowed_origins = {"https://a", "https://b"};
  config.allowed_methods = {"GET"};
  config.allowed_headers = {"X-Mine"};
  config.allow_credentials = true;
  const auto preflight = [&](const char* origin, const char* method, const char* names) {
    HttpRequest asked = request(
        "OPTIONS",
        "/v1/completions",
        {{"origin", origin},
         {"access-control-request-method", method},
         {"access-control-request-headers", names}}
    );
    return *RequestGate(config, routes()).admit(asked).answer;
  };
  const HttpResponse allowed = preflight("https://b", "GET", "x-mine, content-type");
  EXPECT_EQ(allowed.status, 200) << allowed.body;
  EXPECT_EQ(header(allowed.headers, "Access-Control-Allow-Origin"), "https://b");
  EXPECT_EQ(header(allowed.headers, "Access-Control-Allow-Credentials"), "true");
  EXPECT_EQ(header(allowed.headers, "Access-Control-Allow-Methods"), "GET");
  EXPECT_EQ(header(allowed.headers, "Vary"), "Origin");
  EXPECT_EQ(preflight("https://c", "GET", "").body, "Disallowed CORS origin");
  EXPECT_EQ(preflight("https://a", "POST", "").body, "Disallowed CORS method");
  EXPECT_EQ(preflight("https://a", "GET", "x-other").status, 400);
}

}  // namespace
}  // namespace quire::server
