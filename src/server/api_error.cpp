#include "server/api_error.h"

#include <utility>

#include "base/json_writer.h"
#include "quire/error.h"
#include "server/response_text.h"

namespace quire::server {

ErrorInfo describe(const std::exception& error) {
  if (const auto* told = dynamic_cast<const ApiError*>(&error)) return told->info();
  if (const auto* bad = dynamic_cast<const InvalidArgument*>(&error))
    return {400, "BadRequestError", bad->what(), bad->field()};
  return {500, "InternalServerError", error.what(), std::nullopt};
}

ErrorInfo http_error(int status, std::string message) {
  return {status, status_phrase(status), std::move(message), std::nullopt};
}

std::string error_json(const ErrorInfo& error) {
  std::string json;
  JsonWriter writer(json);
  writer.begin_object().key("error").begin_object();
  writer.field("message", error.message).field("type", error.type).key("param");
  if (error.param) {
    writer.value(*error.param);
  } else {
    writer.null();
  }
  writer.field("code", error.status).end_object().end_object();
  return json;
}

std::string openai_error(const ErrorInfo& error, std::string_view /*request_id*/) {
  return error.status == 401 ? R"({"error":"Unauthorized"})" : error_json(error);
}

HttpResponse error_response(
    const ErrorInfo& error, ErrorFormat format, std::string_view request_id
) {
  return {.status = error.status, .body = format(error, request_id)};
}

}  // namespace quire::server
