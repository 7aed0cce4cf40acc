#include "server/api_error.h"

#include "base/json_writer.h"
#include "quire/error.h"

namespace quire::server {

std::string error_json(
    int status,
    std::string_view type,
    std::string_view message,
    const std::optional<std::string>& param
) {
  std::string json;
  JsonWriter writer(json);
  writer.begin_object().key("error").begin_object();
  writer.field("message", message).field("type", type).key("param");
  if (param) {
    writer.value(*param);
  } else {
    writer.null();
  }
  writer.field("code", status).end_object().end_object();
  return json;
}

HttpResponse error_response(const std::exception& error) {
  if (const auto* told = dynamic_cast<const ApiError*>(&error)) {
    const std::string body = error_json(told->status(), told->type(), told->what(), told->param());
    return {.status = told->status(), .body = body};
  }
  if (const auto* bad = dynamic_cast<const InvalidArgument*>(&error)) {
    return {.status = 400, .body = error_json(400, "BadRequestError", bad->what(), bad->field())};
  }
  return {.status = 500, .body = error_json(500, "InternalServerError", error.what())};
}

}  // namespace quire::server
