#include "server/openai/content_type.h"

#include <algorithm>
#include <cctype>
#include <string>

#include "server/api_error.h"

namespace quire::server {

void check_content_type(const HttpRequest& request) {
  const std::string* header = request.find_header("content-type");
  std::string type = header == nullptr ? "" : header->substr(0, header->find(';'));
  std::erase_if(type, [](char c) { return c == ' ' || c == '\t'; });
  std::ranges::transform(type, type.begin(), [](unsigned char c) { return std::tolower(c); });
  if (type == "application/json") return;
  throw ApiError(400, "Bad Request", "Unsupported Media Type: Only 'application/json' is allowed");
}

}  // namespace quire::server
