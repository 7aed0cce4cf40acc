#include "server/anthropic/message_error.h"

#include "base/json_writer.h"

namespace quire::server {
namespace {

const char* error_type(int status) {
  switch (status) {
    case 400:
      return "invalid_request_error";
    case 401:
      return "authentication_error";
    case 403:
      return "permission_error";
    case 404:
      return "not_found_error";
    case 413:
      return "request_too_large";
    case 429:
      return "rate_limit_error";
    case 503:
      return "overloaded_error";
    default:
      return status < 500 ? "invalid_request_error" : "api_error";
  }
}

}  // namespace

std::string message_error(const ErrorInfo& error, std::string_view request_id) {
  std::string json;
  JsonWriter writer(json, JsonSpacing::kCompact);
  writer.begin_object().field("type", "error").key("error").begin_object();
  writer.field("type", error_type(error.status)).field("message", error.message).end_object();
  if (!request_id.empty()) writer.field("request_id", request_id);
  writer.end_object();
  return json;
}

}  // namespace quire::server
