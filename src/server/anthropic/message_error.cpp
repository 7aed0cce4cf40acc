#include "server/anthropic/message_error.h"

#include "base/json_writer.h"
#include "quire/error.h"
#include "server/api_error.h"

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

int status_of(const std::exception& error) {
  if (const auto* told = dynamic_cast<const ApiError*>(&error)) return told->status();
  return dynamic_cast<const InvalidArgument*>(&error) != nullptr ? 400 : 500;
}

}  // namespace

std::string message_error_json(
    int status, std::string_view message, const std::string& request_id
) {
  std::string json;
  JsonWriter writer(json, JsonSpacing::kCompact);
  writer.begin_object().field("type", "error").key("error").begin_object();
  writer.field("type", error_type(status)).field("message", message).end_object();
  writer.field("request_id", request_id).end_object();
  return json;
}

HttpResponse message_error_response(const std::exception& error, const std::string& request_id) {
  const int status = status_of(error);
  return {.status = status, .body = message_error_json(status, error.what(), request_id)};
}

}  // namespace quire::server
