#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quire::server {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  std::string method;  // upper case
  std::string path;  // percent-decoded, without the query
  std::map<std::string, std::string> path_parameters;  // of a route like /v1/responses/{id}
  std::map<std::string, std::string> query;  // percent-decoded
  Headers headers;  // names in lower case
  std::string body;  // valid JSON or not; its capacity has simdjson's padding
  std::string request_id;  // the X-Request-Id header, else 32 hex digits

  // nullptr: not there. `name` in lower case.
  const std::string* find_header(std::string_view name) const;
};

struct HttpResponse {
  int status = 200;
  std::string body;
  std::string content_type = "application/json";
  Headers headers;  // beside those that every response has
};

}  // namespace quire::server
