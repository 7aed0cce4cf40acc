#include "server/openapi/openapi_document.h"

#include <nlohmann/json.hpp>

namespace quire::server {
namespace {

using Json = nlohmann::ordered_json;

bool is_served(const Json& operation, const std::string& path, const ServerConfig& config) {
  if (path == "/tokenizer_info") return config.enable_tokenizer_info_endpoint;
  return operation.at("tags").front() != "Operator" || config.enable_dev_endpoints;
}

// /v1 and /v2 ask for a key, if there is one.
void add_security(Json& operation, const std::string& path, const ServerConfig& config) {
  if (config.api_key.empty() || !(path.starts_with("/v1") || path.starts_with("/v2"))) return;
  operation["security"] =
      Json::array({{{"bearer", Json::array()}}, {{"x_api_key", Json::array()}}});
}

void add_part(Json& document, const Json& part, const ServerConfig& config) {
  for (const auto& [path, methods] : part.at("paths").items()) {
    for (const auto& [method, operation] : methods.items()) {
      if (!is_served(operation, path, config)) continue;
      Json& added = document["paths"][path][method] = operation;
      add_security(added, path, config);
    }
  }
  for (const auto& [name, schema] : part.at("schemas").items())
    document["components"]["schemas"][name] = schema;
}

}  // namespace

std::string openapi_document(const ServerConfig& config) {
  const auto& parts = openapi_parts();
  Json document = Json::parse(parts.front());
  document["info"]["version"] = QUIRE_VERSION;
  if (config.root_path && !config.root_path->empty()) {
    document["servers"] = Json::array({{{"url", *config.root_path}}});
  }
  for (size_t i = 1; i < parts.size(); ++i)
    add_part(document, Json::parse(parts[i]), config);
  return document.dump();
}

}  // namespace quire::server
