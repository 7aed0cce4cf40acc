#include "server/openapi/openapi_document.h"

#include <functional>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "server/endpoint_server.h"
#include "server/monitored_routes.h"
#include "server/monitoring.h"
#include "server/routes.h"

namespace quire::server {
namespace {

using Json = nlohmann::json;
using test::EndpointServer;

ServerConfig config_with_everything() {
  ServerConfig config;
  config.enable_dev_endpoints = true;
  config.enable_tokenizer_info_endpoint = true;
  config.enable_auto_tool_choice = true;
  config.tool_call_parser = "hermes";
  config.reasoning_parser = "qwen3";
  return config;
}

EndpointServer serve_everything() {
  return EndpointServer(make_routes, "ok", config_with_everything());
}

std::string upper(std::string text) {
  for (char& c : text)
    c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

TEST(OpenApiDocumentTest, HasEveryEndpointAndNoOther) {
  const Json document = Json::parse(openapi_document(config_with_everything()));
  std::set<std::string> documented;
  for (const auto& [path, methods] : document["paths"].items())
    for (const auto& [method, operation] : methods.items())
      documented.insert(upper(method) + " " + path);
  std::set<std::string> served;
  const auto add_served = [&served](ServerState& state) {
    Monitoring monitoring(state.engine, state.config);
    for (const Route& route : monitor_routes(make_routes(state), monitoring))
      served.insert(route.method + " " + route.path);
    return std::vector<Route>();
  };
  const EndpointServer server(add_served, "ok", config_with_everything());
  EXPECT_EQ(documented, served);
}

TEST(OpenApiDocumentTest, EveryReferenceLeadsSomewhere) {
  const Json document = Json::parse(openapi_document(config_with_everything()));
  int num_references = 0;
  const std::function<void(const Json&)> visit = [&](const Json& value) {
    if (value.is_object() && value.contains("$ref")) {
      const std::string target = value["$ref"];
      EXPECT_TRUE(document.contains(Json::json_pointer(target.substr(1)))) << target;
      ++num_references;
    }
    if (value.is_structured())
      for (const auto& member : value)
        visit(member);
  };
  visit(document);
  EXPECT_GT(num_references, 100);
}

TEST(OpenApiDocumentTest, OperationsHaveNamesOfTheirOwn) {
  const Json document = Json::parse(openapi_document(config_with_everything()));
  std::set<std::string> names;
  for (const auto& methods : document["paths"])
    for (const auto& operation : methods)
      EXPECT_TRUE(names.insert(operation["operationId"]).second) << operation["operationId"];
}

TEST(OpenApiDocumentTest, LeavesOutWhatIsSwitchedOff) {
  const Json document = Json::parse(openapi_document({}));
  EXPECT_TRUE(document["paths"].contains("/v1/responses"));
  EXPECT_FALSE(document["paths"].contains("/pause"));
  EXPECT_FALSE(document["paths"].contains("/tokenizer_info"));
  EXPECT_FALSE(document["paths"]["/v1/models"]["get"].contains("security"));
}

TEST(OpenApiDocumentTest, SaysWhereAKeyIsNeededAndWhatProxiesPutInFront) {
  ServerConfig config;
  config.api_key = {"secret"};
  config.root_path = "/llm";
  const Json document = Json::parse(openapi_document(config));
  EXPECT_EQ(document["paths"]["/v1/models"]["get"]["security"].size(), 2u);
  EXPECT_FALSE(document["paths"]["/health"]["get"].contains("security"));
  EXPECT_EQ(document["servers"][0]["url"], "/llm");
  EXPECT_EQ(document.dump().find("secret"), std::string::npos);
}

// A value that a field may have.
Json example_of(const Json& document, const Json& schema) {
  if (schema.contains("$ref")) {
    const std::string target = schema["$ref"];
    return example_of(document, document[Json::json_pointer(target.substr(1))]);
  }
  if (schema.contains("const")) return schema["const"];
  if (schema.contains("enum")) return schema["enum"].front();
  if (schema.contains("anyOf")) return example_of(document, schema["anyOf"].front());
  const Json& type = schema.contains("type") ? schema["type"] : Json("object");
  const std::string name = type.is_array() ? type.front() : type;
  if (name == "boolean") return false;
  if (name == "integer") return schema.value("minimum", 0) <= 0 ? 0 : schema["minimum"].get<int>();
  if (name == "number")
    return schema.value("maximum", 1.0) < 1 ? schema["maximum"].get<double>() : 1.0;
  if (name == "string") return "a";
  if (name == "array") {
    return schema.contains("items") ? Json::array({example_of(document, schema["items"])})
                                    : Json::array();
  }
  Json object = Json::object();
  for (const auto& field : schema.value("required", Json::array()))
    object[field.get<std::string>()] =
        example_of(document, schema["properties"][field.get<std::string>()]);
  return object;
}

struct FieldCase {
  const char* path;
  const char* schema;
  const char* body;  // one that is answered
};

// Fields whose example is refused for what the server or the rest of the body is.
const std::set<std::string> kNeedMore = {
    "chat_template",
    "continue_final_message",
    "echo",
    "max_tokens",
    "model",
    "previous_response_id",
    "priority",
    "store",
    "stream_options",
    "tool_choice",
    "top_logprobs",
    "truncate_prompt_tokens",
};

TEST(OpenApiDocumentTest, EveryFieldIsTakenAsDocumented) {
  const Json document = Json::parse(openapi_document(config_with_everything()));
  auto server = serve_everything();
  const FieldCase cases[] = {
      {"/v1/responses", "CreateResponse", R"({"input": "Hi", "max_output_tokens": 4})"},
      {"/v1/messages",
       "CreateMessage",
       R"({"model": "small-chat", "max_tokens": 4, "messages": [{"role": "user", "content": "Hi"}]})"},
      {"/v1/chat/completions",
       "CreateChatCompletion",
       R"({"max_tokens": 4, "messages": [{"role": "user", "content": "Hi"}]})"},
      {"/v1/completions", "CreateCompletion", R"({"prompt": "Hi", "max_tokens": 4})"},
  };
  for (const FieldCase& field_case : cases) {
    const Json& schema = document["components"]["schemas"][field_case.schema];
    for (const auto& [name, field] : schema["properties"].items()) {
      if (kNeedMore.contains(name)) continue;
      Json body = Json::parse(field_case.body);
      body[name] = example_of(document, field);
      const Reply reply = server.call("POST", field_case.path, body.dump());
      const auto* response = std::get_if<HttpResponse>(&reply);
      EXPECT_EQ(response, nullptr) << name << ": " << body << " → " << response->body;
    }
  }
}

TEST(OpenApiPageTest, ShowsEndpointsAndFieldsWithoutScripts) {
  const std::string page = openapi_page(openapi_document(config_with_everything()));
  for (const char* text :
       {"POST /v1/chat/completions", "GET /health", "max_output_tokens", "/pause"})
    EXPECT_NE(page.find(text), std::string::npos) << text;
  for (const char* text : {"<script", "http://", "https://"})
    EXPECT_EQ(page.find(text), std::string::npos) << text;
}

}  // namespace
}  // namespace quire::server
